import {readFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import type {ClusterState} from '../../lib/runtime/state/cluster-state.js';
import type {HostMember} from '../../lib/runtime/state/host-state.js';
import {createFakeHost, type FakeHost} from '../../lib/runtime/transport/fake/host.js';

export interface Told {
	readonly member?: HostMember | undefined;
	readonly journal?: string | undefined;
	readonly state?: ClusterState | string | undefined;
	/** Further lines of the script's answer. */
	readonly lines?: readonly string[] | undefined;
}

/** What a host answers to the script that looks at it: the facts of a recorded one, and what is told here. */
export function toldText({member, journal, state, lines = []}: Told = {}): string {
	const facts = readFileSync('test/fixtures/facts/ubuntu-22.04.txt', 'utf8').replace(/end\n*$/, '');
	const packed = typeof state === 'object' ? gzipSync(JSON.stringify(state)) : state;
	const told = [
		...encoded('member', member === undefined ? undefined : JSON.stringify(member)),
		...encoded('journal', journal),
		...encoded('state', packed),
		...lines,
		'end',
	];
	return `${facts}${told.join('\n')}\n`;
}

export const masterLines: readonly string[] = [
	'unit active',
	'unit active',
	'unit active',
	'unit active',
	'there /etc/kubernetes/admin.conf',
	'there /etc/kubernetes/kubelet.conf',
	'there /var/lib/kubelet/config.yaml',
	'there /var/lib/etcd/member',
	'manifest etcd',
	'manifest kube-apiserver',
	'api ok https://10.0.0.1:6443',
];

/** A host that answers with that. */
export function toldHost(name: string, told: Told = {}): FakeHost {
	return createFakeHost({name}).on(call => call.argv[2] === 'eval "$(cat)"', toldText(told));
}

function encoded(tag: string, content: string | Buffer | undefined): readonly string[] {
	if (content === undefined) return [];
	return Buffer.from(content)
		.toString('base64')
		.match(/.{1,76}/g)!
		.map(line => `${tag} ${line}`);
}
