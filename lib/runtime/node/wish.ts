import {type Fields, fieldsOf, listIn, numberIn, textIn, wrongParam} from '../agent/params.js';

/** What a host is to have; whatever is not named is left alone. JSON-safe: it travels to the agent of the host, and on no command line. */
export interface NodeWish {
	readonly files: readonly WantedFile[];
	/** Names of kernel modules. Files in modules-load.d are for the next start, this is for now. */
	readonly modules: readonly string[];
	/** `net.ipv4.ip_forward` to `1`, now. */
	readonly sysctls: Readonly<Record<string, string>>;
	/** Of `sysctls`, those that are passed over where the kernel has none of that name. */
	readonly sysctlsIfKnown?: readonly string[] | undefined;
	/** Settings that what is installed will change by itself: what they are now is put back one day. */
	readonly remembered?: readonly string[] | undefined;
	/** Folders that what is installed will fill: what is not in them now goes one day, and those that are not there now go as a whole. */
	readonly folders?: readonly string[] | undefined;
	/** Addresses and networks that a firewall lets in, when one is active that can be told. */
	readonly trusted?: readonly string[] | undefined;
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
	/** A file of an image that is on the host, by its absolute path there; its mode comes with it unless one is given. */
	| {readonly kind: 'copy'; readonly from: string; readonly mode?: number | undefined}
	| {readonly kind: 'link'; readonly target: string};

export interface WantedUnit {
	/** `containerd.service`. */
	readonly name: string;
	/** Whether it begins with the host; absent: as it is. */
	readonly enabled?: boolean | undefined;
	/** Whether it runs now; absent: as it is. */
	readonly active?: boolean | undefined;
	/** It is started anew when one of these files was changed, if it runs and may. */
	readonly restartFor?: readonly string[] | undefined;
}

export const emptyWish: NodeWish = {files: [], modules: [], sysctls: {}, swapOff: false, units: []};

const sysctlPattern = /^[a-z][\w-]*(?:\.[\w*-]+)+$/;
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
				matching(name, 'sysctls', sysctlPattern),
				matching(setting, name, /^[\w .:,-]{1,200}$/),
			]),
		),
		...optionalList(fields, 'sysctlsIfKnown', name => matching(name, 'sysctlsIfKnown', sysctlPattern)),
		...optionalList(fields, 'remembered', name => matching(name, 'remembered', sysctlPattern)),
		...optionalList(fields, 'folders', path => absolute({path}, 'path')),
		...optionalList(fields, 'trusted', source => matching(source, 'trusted', /^[0-9a-f.:]{2,45}(?:\/\d{1,3})?$/)),
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
			const {text, secret} = content;
			if (typeof text !== 'string' || text.length > maxFileChars) throw wrongParam(path, 'a text');
			const mode = numberIn(content, 'mode', 0o7777);
			return {path, content: {kind: 'text', text, mode, ...(secret === true ? {secret} : {})}};
		}
		case 'copy':
			return {
				path,
				content: {
					kind: 'copy',
					from: absolute(content, 'from'),
					...(content.mode === undefined ? {} : {mode: numberIn(content, 'mode', 0o7777)}),
				},
			};
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

function optionalList(fields: Fields, name: string, read: (value: unknown) => string): object {
	return fields[name] === undefined ? {} : {[name]: listIn(fields, name, 10_000, read)};
}

/** One spelling for each place, and none that leads elsewhere. */
function absolute(fields: Fields, name: string): string {
	const path = textIn(fields, name, 4096);
	const isPlain = /^\/(?!\/)/.test(path) && !path.endsWith('/') && !/\/(?:\.{0,2})(?:\/|$)/.test(path.slice(1));
	if (isPlain && path.length > 1) return path;
	throw wrongParam(name, 'an absolute path');
}

function matching(value: unknown, name: string, pattern: RegExp): string {
	if (typeof value === 'string' && pattern.test(value)) return value;
	throw wrongParam(name, `a text like ${pattern.source}`);
}
