import {closest} from '../../../core/closest.js';
import type {RunMount} from '../../syntax.js';

export type MountResult =
	| {readonly ok: true; readonly mount: RunMount}
	| {readonly ok: false; readonly message: string};

const types = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const sharings = ['shared', 'private', 'locked'] as const;

const keys: Readonly<Record<string, string>> = {
	type: 'type',
	target: 'target',
	dst: 'target',
	destination: 'target',
	source: 'source',
	src: 'source',
	from: 'from',
	id: 'id',
	env: 'env',
	readonly: 'readonly',
	ro: 'readonly',
	readwrite: 'readwrite',
	rw: 'readwrite',
	required: 'required',
	sharing: 'sharing',
	size: 'sizeBytes',
	mode: 'mode',
	uid: 'uid',
	gid: 'gid',
};

/**
 * Reads the value of `--mount=`: comma-separated `key=value`, a field with commas in double quotes. Without `expand`
 * (while parsing) a value that holds a variable is kept as a word where the field is text, and left out elsewhere.
 */
export function parseMount(text: string, expand?: (word: string) => string): MountResult {
	const mount: Draft = {};
	for (const field of splitFields(text)) {
		const at = field.indexOf('=');
		const written = (at === -1 ? field : field.slice(0, at)).toLowerCase();
		const key = Object.hasOwn(keys, written) ? keys[written]! : undefined;
		if (key === undefined) return failed(unknownKey(field, written, at));
		const raw = at === -1 ? undefined : field.slice(at + 1);
		if (raw?.includes('$') && key === 'from') {
			return failed("'from' doesn't support variable expansion, define alias stage instead");
		}
		if (raw?.includes('$') && expand === undefined && !isText(key)) continue;
		const message = setField(mount, key, written, raw === undefined || key === 'from' ? raw : (expand?.(raw) ?? raw));
		if (message !== undefined) return failed(message);
	}
	return check({...mount, type: mount.type ?? 'bind'});
}

type Draft = {-readonly [K in keyof RunMount]?: RunMount[K]};

/** Says what is wrong, or undefined. */
function setField(mount: Draft, key: string, written: string, value: string | undefined): string | undefined {
	if (key === 'readonly' || key === 'readwrite' || key === 'required') {
		const flag = value === undefined ? true : parseBoolean(value);
		if (flag === undefined) return invalid(written, value ?? '');
		if (key === 'required') mount.required = flag;
		else mount.readonly = key === 'readonly' ? flag : !flag;
		return undefined;
	}
	if (value === undefined) return `Invalid field '${written}' must be a key=value pair`;
	switch (key) {
		case 'type': {
			const type = types.find(name => name === value.toLowerCase());
			if (type === undefined) return `Unsupported mount type "${value}"${suggestion(value, types)}`;
			mount.type = type;
			return undefined;
		}
		case 'sharing': {
			const sharing = sharings.find(name => name === value.toLowerCase());
			if (sharing === undefined) return `Unsupported sharing value "${value}"${suggestion(value, sharings)}`;
			mount.sharing = sharing;
			return undefined;
		}
		case 'sizeBytes':
		case 'mode':
		case 'uid':
		case 'gid': {
			const number = key === 'sizeBytes' ? parseSize(value) : parseNumber(value, key === 'mode' ? 8 : 10);
			if (number === undefined) return invalid(written, value);
			mount[key] = number;
			return undefined;
		}
		default:
			mount[key as 'target' | 'source' | 'from' | 'id' | 'env'] = value;
			return undefined;
	}
}

/** BuildKit's rules about which fields go together. */
function check(mount: RunMount): MountResult {
	const needsTarget = mount.type === 'bind' || mount.type === 'cache' || mount.type === 'tmpfs';
	if (needsTarget && !mount.target) return failed(`Mount of type ${mount.type} needs a target`);
	if (mount.from !== undefined && mount.type !== 'bind' && mount.type !== 'cache') {
		return failed(`Mount of type ${mount.type} cannot have a from`);
	}
	if (mount.sharing !== undefined && mount.type !== 'cache') {
		return failed(`Mount of type ${mount.type} cannot have a sharing mode`);
	}
	if (mount.sizeBytes !== undefined && mount.type !== 'tmpfs')
		return failed(`Mount of type ${mount.type} cannot have a size`);
	if (mount.env !== undefined && mount.type !== 'secret')
		return failed(`Mount of type ${mount.type} cannot have an env`);
	return {ok: true, mount};
}

/** CSV as BuildKit reads it: `"a=b,c"` is one field, a doubled quote inside quotes is a quote. */
function splitFields(text: string): string[] {
	const fields: string[] = [];
	let field = '';
	let quoted = false;
	for (let i = 0; i < text.length; i++) {
		const char = text[i]!;
		if (char === '"' && quoted && text[i + 1] === '"') field += text[++i];
		else if (char === '"' && (quoted || field === '')) quoted = !quoted;
		else if (char === ',' && !quoted) {
			fields.push(field);
			field = '';
		} else field += char;
	}
	return [...fields, field];
}

function isText(key: string): boolean {
	return ['target', 'source', 'id', 'env'].includes(key);
}

function unknownKey(field: string, written: string, at: number): string {
	return at === -1
		? `Invalid field '${field}' must be a key=value pair`
		: `Unexpected key '${written}' in '${field}'${suggestion(written, Object.keys(keys))}`;
}

function suggestion(written: string, known: readonly string[]): string {
	const near = closest(written.toLowerCase(), known);
	return near === undefined ? '' : ` (did you mean ${near}?)`;
}

function invalid(key: string, value: string): string {
	return `Invalid value for ${key}: ${value}`;
}

function failed(message: string): MountResult {
	return {ok: false, message};
}

function parseBoolean(text: string): boolean | undefined {
	if (['true', '1', 't', 'TRUE', 'True', 'T'].includes(text)) return true;
	return ['false', '0', 'f', 'FALSE', 'False', 'F'].includes(text) ? false : undefined;
}

function parseNumber(text: string, radix: 8 | 10): number | undefined {
	if (!(radix === 8 ? /^[0-7]{1,6}$/ : /^\d{1,10}$/).test(text)) return undefined;
	const value = Number.parseInt(text, radix);
	return value <= 0xffff_ffff ? value : undefined;
}

/** `64m`, `1g`, `512k`, `4096`, `10MiB`: binary units, as docker reads them. */
function parseSize(text: string): number | undefined {
	const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
	if (match === null) return undefined;
	const value = Math.floor(Number(match[1]) * 1024 ** ' kmgtp'.indexOf(match[2]!.toLowerCase() || ' '));
	return Number.isSafeInteger(value) ? value : undefined;
}
