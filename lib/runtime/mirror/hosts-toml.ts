import {SealError} from '../../core/errors.js';
import {parseToml, type TomlTable} from '../../core/toml.js';

const begin = '# >>> sealimage: the registry of this host is asked first; this block is kept by "sealimage registry"';
const end = '# <<< sealimage';

/**
 * Puts the registry of the host before every other host of a hosts.toml of containerd, which asks them in the order of the file. Lines
 * of others stay as they are.
 * @param text what is there; empty when there is no file
 * @throws SealError ERR_CONTAINERD_HOSTS when the file is no TOML, or cannot take a block
 */
export function withMirror(text: string, port: number, name: string): string {
	const rest = withoutMirror(text);
	const url = `http://127.0.0.1:${port}`;
	const block = `${begin}\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n${end}\n`;
	const theirs = read(rest, name, 'is no TOML');
	// Keys of the whole file come before its first table.
	const table = /^[ \t]*\[/m.exec(rest);
	const at = table === null ? rest.length : table.index;
	const before = rest.slice(0, at);
	const joined = before === '' || before.endsWith('\n') ? before : `${before}\n`;
	const whole = `${joined}${block}${rest.slice(at)}`;
	const {[url]: ours, ...others} = hostsOf(read(whole, name, 'cannot take another host'));
	// What looked like the first table may have been the middle of a text.
	if (ours === undefined || JSON.stringify(others) !== JSON.stringify(hostsOf(theirs))) {
		throw refusal(name, 'cannot take another host');
	}
	return whole;
}

/** The text without our block: what was there before it. */
export function withoutMirror(text: string): string {
	const from = text.indexOf(begin);
	const to = text.indexOf(`${end}\n`, from);
	if (from === -1 || to === -1) return text;
	return `${text.slice(0, from)}${text.slice(to + end.length + 1)}`;
}

function hostsOf(file: TomlTable): Readonly<Record<string, unknown>> {
	return typeof file.host === 'object' && file.host !== null ? {...file.host} : {};
}

/** containerd would refuse every pull when it cannot read this file. */
function read(text: string, name: string, what: string): TomlTable {
	try {
		return parseToml(text, name);
	} catch (error) {
		throw refusal(name, what, error);
	}
}

function refusal(name: string, what: string, cause?: unknown): SealError {
	return new SealError('ERR_CONTAINERD_HOSTS', `${name} ${what}`, {
		hint: 'Mend the file, or move it away, and run the command again.',
		cause,
	});
}
