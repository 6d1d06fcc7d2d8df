import {fieldsOf, listIn, textIn, wrongParam} from '../agent/params.js';

/** What a host is to have; whatever is not named is left alone. JSON-safe: it travels to the agent of the host, and on no command line. */
export interface NodeWish {
	readonly files: readonly WantedFile[];
	/** Names of kernel modules. Files in modules-load.d are for the next start, this is for now. */
	readonly modules: readonly string[];
	/** `net.ipv4.ip_forward` to `1`, now. */
	readonly sysctls: Readonly<Record<string, string>>;
	/** No swap is in use, and none after the next start. */
	readonly swapOff: boolean;
	readonly units: readonly WantedUnit[];
}

export interface WantedFile {
	/** Absolute. */
	readonly path: string;
	readonly content: FileContent;
}

export type FileContent =
	/** `mode`: permission bits. `secret`: only root may read it, and no report shows what is in it. */
	| {readonly kind: 'text'; readonly text: string; readonly mode: number; readonly secret?: boolean | undefined}
	/** A file of an image that is on the host, by its absolute path there; its mode comes with it. */
	| {readonly kind: 'copy'; readonly from: string}
	| {readonly kind: 'link'; readonly target: string};

export interface WantedUnit {
	/** `containerd.service`. */
	readonly name: string;
	/** Whether it begins with the host; absent: as it is. */
	readonly enabled?: boolean | undefined;
	/** Whether it runs now; absent: as it is. */
	readonly active?: boolean | undefined;
	/** It is started anew when one of these files was changed. */
	readonly restartFor?: readonly string[] | undefined;
}

export const emptyWish: NodeWish = {files: [], modules: [], sysctls: {}, swapOff: false, units: []};

const maxFiles = 10_000;
const maxFileChars = 4 * 1024 * 1024;

/** Checks a wish that came over the wire. @throws SealError ERR_USAGE */
export function parseWish(value: unknown): NodeWish {
	const fields = fieldsOf(value, 'wish');
	const sysctls = Object.entries(fieldsOf(fields.sysctls, 'sysctls'));
	return {
		files: listIn(fields, 'files', maxFiles, parseFile),
		modules: listIn(fields, 'modules', 200, name => matching(name, 'modules', /^\w[\w-]{0,63}$/)),
		sysctls: Object.fromEntries(
			sysctls.map(([name, setting]) => [
				matching(name, 'sysctls', /^[a-z][\w-]*(?:\.[\w*-]+)+$/),
				matching(setting, name, /^[\w .:,-]{1,200}$/),
			]),
		),
		swapOff: fields.swapOff === true,
		units: listIn(fields, 'units', 200, parseUnit),
	};
}

function parseFile(value: unknown): WantedFile {
	const fields = fieldsOf(value, 'files');
	const content = fieldsOf(fields.content, 'content');
	const path = absolute(fields, 'path');
	switch (content.kind) {
		case 'text': {
			const {text, mode, secret} = content;
			if (typeof text !== 'string' || text.length > maxFileChars) throw wrongParam(path, 'a text');
			if (!Number.isInteger(mode) || (mode as number) < 0 || (mode as number) > 0o7777)
				throw wrongParam(path, 'a mode');
			return {path, content: {kind: 'text', text, mode: mode as number, ...(secret === true ? {secret} : {})}};
		}
		case 'copy':
			return {path, content: {kind: 'copy', from: absolute(content, 'from')}};
		case 'link':
			return {path, content: {kind: 'link', target: textIn(content, 'target', 4096)}};
		default:
			throw wrongParam('content', 'a text, a copy or a link');
	}
}

function parseUnit(value: unknown): WantedUnit {
	const fields = fieldsOf(value, 'units');
	const truth = (name: 'enabled' | 'active'): object =>
		typeof fields[name] === 'boolean' ? {[name]: fields[name]} : {};
	return {
		name: matching(fields.name, 'units', /^[\w@:.\\-]{1,200}\.(?:service|socket|target|swap|mount|timer)$/),
		...truth('enabled'),
		...truth('active'),
		...(fields.restartFor === undefined
			? {}
			: {restartFor: listIn(fields, 'restartFor', 1000, path => absolute({path}, 'path'))}),
	};
}

/** One spelling for each place, and none that leads elsewhere. */
function absolute(fields: Readonly<Record<string, unknown>>, name: string): string {
	const path = textIn(fields, name, 4096);
	const isPlain = /^\/(?!\/)/.test(path) && !path.endsWith('/') && !/\/(?:\.{0,2})(?:\/|$)/.test(path.slice(1));
	if (isPlain && path.length > 1) return path;
	throw wrongParam(name, 'an absolute path');
}

function matching(value: unknown, name: string, pattern: RegExp): string {
	if (typeof value === 'string' && pattern.test(value)) return value;
	throw wrongParam(name, `a text like ${pattern.source}`);
}
