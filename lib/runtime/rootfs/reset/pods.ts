import {lstat, readdir, readFile} from 'node:fs/promises';
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
	const units = await lookAtUnits(system, ['kubelet.service', 'containerd.service', podsSlice], options);
	const isActive = (name: string): boolean => !['inactive', 'failed'].includes(units.get(name)?.active ?? 'inactive');
	const act = (verb: string, unit: string): Promise<boolean> =>
		work.attempt(`${verb} ${unit}`, unit, () =>
			runOk(system, ['systemctl', verb, '--', unit], `${verb} ${unit}`, options),
		);
	if (isActive('kubelet.service')) await act('stop', 'kubelet.service');
	if (await reachContainerd()) {
		// One that was being made while the kubelet ended comes a moment later.
		for (let round = 0; round < 3 && (await removePods(system, work, options)) > 0; round++);
		if (await removeTasks(system, work, options)) await endShims(system, work, options);
	}
	// The kubelet's groups of processes, with all that are left in them.
	if (isActive(podsSlice)) await act('stop', podsSlice);

	async function reachContainerd(): Promise<boolean> {
		const isThere = async (path: string): Promise<boolean> =>
			(await ifExists(() => lstat(join(disk, path)))) !== undefined;
		if (!isActive('containerd.service')) {
			const hasPods = await isThere('run/containerd/io.containerd.runtime.v2.task/k8s.io');
			if (!hasPods || units.get('containerd.service')?.enabled === 'not-found') return false;
			if (!(await act('start', 'containerd.service'))) return false;
		}
		return await isThere(socket);
	}
}

const podsSlice = 'kubepods.slice';

const identifier = /^[\w][\w.-]{0,120}$/;

/** @returns how many pods there were */
async function removePods(system: NodeSystem, work: Work, options: NodeOptions): Promise<number> {
	const crictl = (...words: readonly string[]): readonly string[] => ['crictl', '-r', `unix:///${socket}`, ...words];
	const {code, stdout} = await system.run(crictl('pods', '-q'), {...options, timeoutMs: 60_000});
	if (code !== 0) return 0;
	const pods = idsIn(stdout);
	// A pod that cannot be stopped or removed here is for ctr.
	const gone = await mapBounded(pods, 8, async pod => {
		await system.run(crictl('stopp', pod), {...options, timeoutMs: 60_000});
		return (await system.run(crictl('rmp', pod), {...options, timeoutMs: 60_000})).code === 0;
	});
	const count = gone.filter(Boolean).length;
	if (count > 0) work.done.push(`remove ${count} pods`);
	return pods.length;
}

/**
 * Containers of Kubernetes that are left: containerd keeps them apart from those of others by a namespace.
 * @returns whether none is left
 */
async function removeTasks(system: NodeSystem, work: Work, options: NodeOptions): Promise<boolean> {
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
	if (left.length === 0) return true;
	const why = `${left.length} of Kubernetes cannot be removed`;
	return await work.attempt('', 'containers', () => Promise.reject(new SealError('ERR_NODE_STEP', why)));
}

/**
 * Ends processes that containerd has forgotten: a container whose making was cut off leaves the one that would have looked after it, with
 * whatever that started.
 */
async function endShims(system: NodeSystem, work: Work, {disk = '/', ...options}: NodeOptions): Promise<void> {
	const place = join(disk, 'proc');
	const orphans: string[] = [];
	const children = new Map<string, string[]>();
	for (const pid of (await readdir(place)).filter(name => /^\d+$/.test(name))) {
		const read = (file: string): Promise<string> => readFile(join(place, pid, file), 'latin1').catch(() => '');
		const words = (await read('cmdline')).split('\0');
		const after = (flag: string): string | undefined => words[words.indexOf(flag) + 1];
		// Others, as k3s, have a containerd of their own, and the same namespace in it.
		const isShim =
			/\/containerd-shim[\w-]*$/.test(words[0] ?? '') &&
			after('-namespace') === 'k8s.io' &&
			after('-address') === `/${socket}`;
		if (isShim) orphans.push(pid);
		const parent = /^PPid:\s+(\d+)$/m.exec(await read('status'))?.[1] ?? '';
		children.set(parent, [...(children.get(parent) ?? []), pid]);
	}
	const all = [...orphans];
	for (const pid of all) all.push(...(children.get(pid) ?? []));
	if (all.length === 0) return;
	const title = `end ${all.length} processes of containers that were never made`;
	await work.attempt(title, 'containers', () => runOk(system, ['kill', '-KILL', '--', ...all], title, options));
}

function idsIn(text: string): readonly string[] {
	return text
		.split('\n')
		.map(line => line.trim())
		.filter(line => identifier.test(line));
}
