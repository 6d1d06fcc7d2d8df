import {lstat} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError} from '../../../core/errors.js';
import {ifExists} from '../../../core/io-error.js';
import {mapBounded} from '../../../core/pool.js';
import type {NodeOptions} from '../../node/changes.js';
import {lookAtUnits} from '../../node/observe.js';
import {type NodeSystem, runOk} from '../../node/system.js';
import type {Work} from '../../node/work.js';

/** The socket of containerd. */
const socket = 'run/containerd/containerd.sock';

/**
 * Stops the kubelet, and then removes every pod with its containers. containerd is started for that if it does not run: its
 * containers outlive it. What crictl does not get rid of, because a network plugin is gone, ctr does.
 */
export async function stopPods(system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const {disk = '/'} = options;
	const units = await lookAtUnits(system, ['kubelet.service', 'containerd.service'], options);
	const isActive = (name: string): boolean => !['inactive', 'failed'].includes(units.get(name)?.active ?? 'inactive');
	const act = (verb: string, unit: string): Promise<boolean> =>
		work.attempt(`${verb} ${unit}`, unit, () =>
			runOk(system, ['systemctl', verb, '--', unit], `${verb} ${unit}`, options),
		);
	if (isActive('kubelet.service')) await act('stop', 'kubelet.service');
	const isThere = async (path: string): Promise<boolean> =>
		(await ifExists(() => lstat(join(disk, path)))) !== undefined;
	if (!isActive('containerd.service')) {
		const hasPods = await isThere('run/containerd/io.containerd.runtime.v2.task/k8s.io');
		if (!hasPods || units.get('containerd.service')?.enabled === 'not-found') return;
		if (!(await act('start', 'containerd.service'))) return;
	}
	if (!(await isThere(socket))) return;
	await removePods(system, work, options);
	await removeTasks(system, work, options);
}

const identifier = /^[\w][\w.-]{0,120}$/;

async function removePods(system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const crictl = (...words: readonly string[]): readonly string[] => ['crictl', '-r', `unix:///${socket}`, ...words];
	const {code, stdout} = await system.run(crictl('pods', '-q'), {...options, timeoutMs: 60_000});
	if (code !== 0) return;
	const pods = idsIn(stdout);
	// A pod that cannot be stopped or removed here is for ctr.
	const gone = await mapBounded(pods, 8, async pod => {
		await system.run(crictl('stopp', pod), {...options, timeoutMs: 60_000});
		return (await system.run(crictl('rmp', pod), {...options, timeoutMs: 60_000})).code === 0;
	});
	const count = gone.filter(Boolean).length;
	if (count > 0) work.done.push(`remove ${count} pods`);
}

/** Containers of Kubernetes that are left: containerd keeps them apart from those of others by a namespace. */
async function removeTasks(system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const ctr = (...words: readonly string[]): readonly string[] => [
		...['ctr', '-a', `/${socket}`, '-n', 'k8s.io'],
		...words,
	];
	const list = async (kind: string): Promise<readonly string[]> => {
		const {code, stdout} = await system.run(ctr(kind, 'ls', '-q'), options);
		return code === 0 ? idsIn(stdout) : [];
	};
	await mapBounded(await list('tasks'), 8, async task => {
		await system.run(ctr('tasks', 'kill', '-s', 'SIGKILL', task), options);
		await system.run(ctr('tasks', 'delete', '-f', task), options);
	});
	await mapBounded(await list('containers'), 8, container => system.run(ctr('containers', 'rm', container), options));
	const left = await list('containers');
	if (left.length === 0) return;
	const why = `${left.length} of Kubernetes cannot be removed`;
	await work.attempt('', 'containers', () => Promise.reject(new SealError('ERR_NODE_STEP', why)));
}

function idsIn(text: string): readonly string[] {
	return text
		.split('\n')
		.map(line => line.trim())
		.filter(line => identifier.test(line));
}
