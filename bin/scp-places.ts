import {basename} from 'node:path';
import {UsageError} from './usage-error.js';

/** What one argument of `scp` names. */
export type ScpPlace =
	| {readonly kind: 'here'; readonly path: string}
	/** `hosts` is a list of hosts; empty for those that the flags choose. */
	| {readonly kind: 'hosts'; readonly hosts: string; readonly path: string};

/** From where to where; hosts are on one side. */
export interface ScpRequest {
	readonly direction: 'up' | 'down';
	readonly sources: readonly string[];
	readonly target: string;
	/** Lists of hosts of the arguments; empty when the flags choose them. */
	readonly hosts: readonly string[];
}

/** A colon before the first slash ends the hosts, as for scp; `./a:b` is a file. IPv6 addresses are in brackets. */
export function readScpPlace(text: string): ScpPlace {
	const [, hosts, path] = /^((?:[^/:[\]]|\[[^\]]*\])*):(.*)$/s.exec(text) ?? [];
	return hosts === undefined || path === undefined ? {kind: 'here', path: text} : {kind: 'hosts', hosts, path};
}

/** @throws UsageError */
export function readScp(operands: readonly string[]): ScpRequest {
	const places = operands.map(readScpPlace);
	const target = places.at(-1);
	const sources = places.slice(0, -1);
	if (target === undefined || sources.length === 0)
		throw new UsageError('scp needs a source and a target', {hint: 'Write sealimage scp FILE HOST:PATH.'});
	if (target.path === '' && target.kind === 'here') throw new UsageError('The target is empty');
	const kinds = new Set(sources.map(({kind}) => kind));
	if (kinds.size > 1)
		throw new UsageError('Some sources are on hosts and some are here', {hint: 'Copy them in two runs.'});
	if (kinds.has(target.kind)) {
		throw target.kind === 'here'
			? new UsageError('Neither source nor target is on a host', {
					hint: 'Write HOST:PATH for a place on a host, or :PATH for one on the hosts of --hosts.',
				})
			: new UsageError('Source and target are both on hosts', {
					hint: 'Fetch the files here first, then send them on.',
				});
	}
	const lists = [...sources, target].flatMap(place => (place.kind === 'hosts' ? [place.hosts] : []));
	if (new Set(lists).size > 1)
		throw new UsageError('The sources are on different hosts', {hint: 'Copy them in several runs.'});
	return {
		direction: target.kind === 'hosts' ? 'up' : 'down',
		sources: sources.map(({path}) => path),
		target: target.path,
		hosts: lists[0] === undefined || lists[0] === '' ? [] : [lists[0]],
	};
}

/** Whether a source means what is in a folder, as rsync has it: `conf/`, `.`. */
export function meansContents(source: string): boolean {
	return /(?:^|\/)\.?$/.test(source) && source !== '/';
}

/** The name that a source gets in a folder. @throws UsageError for one that has none, as `/` and `..` */
export function nameOf(source: string): string {
	const name = basename(source);
	if (name !== '' && name !== '.' && name !== '..') return name;
	throw new UsageError(`${JSON.stringify(source)} has no name that it could be stored under`, {
		hint: 'Name the folder itself, as /var/log.',
	});
}
