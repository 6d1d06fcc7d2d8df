import type {ServiceStep} from '../service/apply.js';
import {withoutMirror} from './hosts-toml.js';
import type {MirrorState} from './observe.js';
import {places} from './places.js';

export interface RemoveOptions {
	/** The content of the registry goes, too, that of images which the host keeps included. */
	readonly purge?: boolean | undefined;
}

/** What takes the registry off a host and leaves nothing of it. containerd is told first. */
export function planRemoval(state: MirrorState, options: RemoveOptions = {}): readonly ServiceStep[] {
	const {files, active, enabled, hasSystemd} = state;
	const steps: ServiceStep[] = [...restoreHosts(files.get(places.hostsToml)?.content)];
	const hasUnit = files.has(places.unit);
	if (hasSystemd && active !== 'inactive' && active !== 'unknown') steps.push({do: 'systemd', verb: 'stop'});
	if (hasSystemd && enabled === 'enabled') steps.push({do: 'systemd', verb: 'disable'});
	const ours = Object.entries(places)
		.filter(([name]) => name !== 'agent' && name !== 'content' && name !== 'hostsToml')
		.map(([, path]) => path);
	for (const path of ours) if (files.has(path)) steps.push({do: 'remove', path});
	if (hasSystemd && hasUnit) steps.push({do: 'systemd', verb: 'daemon-reload'});
	if (options.purge === true && state.hasContent) steps.push({do: 'purge', path: places.content});
	if (steps.length === 0) return steps;
	const folders = [
		'/etc/sealimage/registry',
		'/etc/sealimage',
		'/etc/containerd/certs.d/_default',
		'/etc/containerd/certs.d',
		'/etc/containerd',
		'/var/lib/sealimage',
	];
	return [...steps, ...folders.map((path): ServiceStep => ({do: 'tidy', path}))];
}

function restoreHosts(text: string | undefined): readonly ServiceStep[] {
	const theirs = withoutMirror(text ?? '');
	if (text === undefined || theirs === text) return [];
	if (theirs.trim() === '') return [{do: 'remove', path: places.hostsToml}];
	return [{do: 'write', path: places.hostsToml, mode: '644', content: theirs}];
}
