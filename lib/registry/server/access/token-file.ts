import {SealError} from '../../../core/errors.js';
import {parseYamlNodes, type YamlEntry, type YamlNode} from '../../../core/yaml.js';
import {opensCatalog, type Pattern, parsePattern, type Rights} from './rights.js';

/** A token with its rights. The token itself is not known, only its hash. */
export interface StaticToken {
	readonly name: string;
	/** SHA-256 of the token. */
	readonly hash: Buffer;
	readonly rights: Rights;
	/** Milliseconds since the epoch. */
	readonly expiresAtMs: number | undefined;
}

const maxTokens = 10_000;
const maxPatterns = 1000;
const keys = ['name', 'hash', 'pull', 'push', 'delete', 'expires'] as const;
type Key = (typeof keys)[number];

/**
 * Reads a list of tokens:
 *
 *     - name: ci
 *       hash: sha256:0f2d...     # printf %s "$TOKEN" | sha256sum
 *       pull: ['**']
 *       push: [shop/**, base]
 *       expires: 2027-01-31
 *
 * @param name for messages: the path of the file
 * @throws SealError ERR_ACCESS_FILE with `details.line`, ERR_YAML
 */
export function parseTokenFile(text: string, name: string): readonly StaticToken[] {
	const [list, more] = parseYamlNodes(text, name);
	if (list === undefined) return [];
	if (list.kind !== 'sequence') throw invalid(name, list.line, 'is not the start of a list of tokens');
	if (more !== undefined) throw invalid(name, more.line, 'begins a second document');
	if (list.items.length > maxTokens) throw invalid(name, list.line, `begins more than ${maxTokens} tokens`);
	const tokens = list.items.map(item => readToken(item, name));
	const names = new Set<string>();
	for (const [index, token] of tokens.entries()) {
		if (names.has(token.name)) {
			throw invalid(name, list.items[index]?.line ?? 1, `names a second token ${JSON.stringify(token.name)}`);
		}
		names.add(token.name);
	}
	return tokens;
}

function readToken(item: YamlNode, file: string): StaticToken {
	if (item.kind !== 'mapping') throw invalid(file, item.line, 'is no token with name and hash');
	const values = new Map<Key, YamlNode>();
	for (const entry of item.entries) {
		const key = readKey(entry, file);
		if (values.has(key)) throw invalid(file, entry.key.line, `gives ${key} a second time`);
		values.set(key, entry.value);
	}
	const name = readText(values.get('name'), item, 'name', file);
	if (!/^[\w.@-]{1,128}$/.test(name)) {
		throw invalid(file, item.line, 'has a name that is not made of letters, digits and "._@-"');
	}
	const hash = /^sha256:([0-9a-f]{64})$/.exec(readText(values.get('hash'), item, 'hash', file))?.[1];
	if (hash === undefined) {
		throw invalid(file, item.line, `has a token ${JSON.stringify(name)} whose hash is not of the form sha256:HEX`);
	}
	const rights = {
		pull: readPatterns(values.get('pull'), file),
		push: readPatterns(values.get('push'), file),
		delete: readPatterns(values.get('delete'), file),
	};
	return {
		name,
		hash: Buffer.from(hash, 'hex'),
		rights: {...rights, catalog: opensCatalog(rights)},
		expiresAtMs: readTime(values.get('expires'), file),
	};
}

function readKey({key}: YamlEntry, file: string): Key {
	const known = keys.find(one => key.kind === 'scalar' && key.value === one);
	if (known !== undefined) return known;
	const found = key.kind === 'scalar' ? JSON.stringify(key.value.slice(0, 80)) : 'something';
	throw invalid(file, key.line, `has ${found} where one of ${keys.join(', ')} may stand`);
}

function readText(node: YamlNode | undefined, item: YamlNode, key: Key, file: string): string {
	if (node?.kind === 'scalar') return node.value;
	throw invalid(file, (node ?? item).line, `has a token without ${key === 'name' ? 'a name' : 'a hash'}`);
}

function readPatterns(node: YamlNode | undefined, file: string): readonly Pattern[] {
	if (node === undefined) return [];
	const items = node.kind === 'sequence' ? node.items : [node];
	if (items.length > maxPatterns) throw invalid(file, node.line, `has more than ${maxPatterns} patterns`);
	return items.map(item => {
		const pattern = item.kind === 'scalar' ? parsePattern(item.value) : undefined;
		if (pattern !== undefined) return pattern;
		throw invalid(file, item.line, 'has something that is no pattern of repository names, such as shop/* or shop/**');
	});
}

/** A day or a moment in UTC; a day counts to its end. */
function readTime(node: YamlNode | undefined, file: string): number | undefined {
	if (node === undefined) return undefined;
	const text = node.kind === 'scalar' ? node.value : '';
	const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
	const isMoment = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/.test(text);
	const time = isDay ? Date.parse(`${text}T23:59:59.999Z`) : isMoment ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
	if (Number.isNaN(time)) throw invalid(file, node.line, 'has an expiry that is no date such as 2027-01-31');
	return time;
}

function invalid(file: string, line: number, what: string): SealError {
	return new SealError('ERR_ACCESS_FILE', `Line ${line} of ${file} ${what}`, {
		hint: 'Write each token as name, hash, and the repositories under pull, push and delete.',
		details: {file, line},
	});
}
