import type {ClusterStatus, HostStatus} from '../../lib/runtime/state/status.js';
import type {Style} from './style.js';
import {renderTable} from './table.js';
import {printable} from './text.js';

/** One table of hosts, one line for each application, and what is wrong. */
export function renderClusterStatus(status: ClusterStatus, style: Style): string {
	const {name, version, hosts, applications, problems, notes} = status;
	const table = renderTable(
		[
			{title: 'HOST'},
			{title: 'ROLE'},
			{title: 'NODE'},
			{title: 'VERSION'},
			{title: 'KUBELET'},
			{title: 'CONTAINERD'},
			{title: 'REGISTRY'},
			{title: 'BALANCER'},
			{title: 'API'},
			{title: 'ETCD'},
			{title: 'PROBLEMS'},
		],
		hosts.map(rowOf),
		style,
	);
	const ran = applications.map(({image, isDone}) =>
		isDone ? `${style.green('ran')} ${printable(image)}` : `${style.red('not run')} ${printable(image)}`,
	);
	return [
		`${style.bold(printable(name))} ${printable(version)}`,
		table.trimEnd(),
		...ran,
		...problems.map(problem => `${style.red('problem:')} ${printable(problem)}`),
		...notes.map(note => `${style.yellow('note:')} ${printable(note)}`),
		'',
	].join('\n');
}

function rowOf(host: HostStatus): string[] {
	const {kubelet = '', containerd = '', registry = '', balancer = '', node, api, etcd} = host;
	return [
		host.host,
		host.role,
		nodeText(node),
		node?.version ?? '',
		kubelet,
		containerd,
		registry,
		balancer,
		yesNo(api),
		yesNo(etcd),
		host.problems.join('; '),
	];
}

function nodeText(node: HostStatus['node']): string {
	if (node === undefined) return '';
	return `${node.isReady ? 'ready' : 'not ready'}${node.isSchedulable ? '' : ', drained'}`;
}

function yesNo(value: boolean | undefined): string {
	return value === undefined ? '' : value ? 'ok' : 'down';
}
