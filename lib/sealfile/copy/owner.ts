import {SealError} from '../../core/errors.js';
import {type ImageTree, lookup} from '../../oci/tree/tree.js';
import {followLinks, linkText} from '../context/links.js';

export interface Owner {
	readonly uid: number;
	readonly gid: number;
}

/**
 * Reads `--chown`: `user`, `user:group`, names or numbers. A user by name brings its primary group, one by number the
 * group of the same number. Names are looked up in /etc/passwd and /etc/group of `tree`.
 * @throws SealError ERR_COPY_OPTION for a malformed value, ERR_COPY_OWNER for a name that the image does not have
 */
export async function resolveOwner(
	text: string,
	tree: ImageTree,
	readFile: ((path: string) => Promise<Uint8Array | undefined>) | undefined,
): Promise<Owner> {
	const [user = '', group, ...rest] = text.split(':');
	if (user === '' || group === '' || rest.length > 0) {
		throw new SealError(
			'ERR_COPY_OPTION',
			`Invalid chown parameter ${JSON.stringify(text)}: expected user or user:group`,
			{
				hint: 'Write names or numbers, as in --chown=1000:1000.',
				details: {chown: text},
			},
		);
	}
	const id = numeric(user, text);
	const owner = id === undefined ? await userByName(user) : {uid: id, gid: id};
	if (group === undefined) return owner;
	return {uid: owner.uid, gid: numeric(group, text) ?? (await groupByName(group))};

	async function userByName(name: string): Promise<Owner> {
		for (const [entry, , uid, gid] of await fields('etc/passwd')) {
			if (entry === name && isId(uid) && isId(gid)) return {uid: Number(uid), gid: Number(gid)};
		}
		throw unknown('user', name, '/etc/passwd');
	}

	async function groupByName(name: string): Promise<number> {
		for (const [entry, , gid] of await fields('etc/group')) {
			if (entry === name && isId(gid)) return Number(gid);
		}
		throw unknown('group', name, '/etc/group');
	}

	async function fields(file: string): Promise<string[][]> {
		const path = followLinks(file, at => linkText(lookup(tree, at)?.header));
		const isFile = lookup(tree, path)?.header.type === 'file';
		const bytes = isFile ? await readFile?.(path) : undefined;
		if (bytes === undefined) return [];
		const lines = Buffer.from(bytes).toString('utf8').split('\n');
		return lines.map(line => line.trim().split(':'));
	}
}

/** The largest id; one more is the kernel's "leave it as it is". */
const largestId = 0xfffffffe;

function isId(text: string | undefined): boolean {
	return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= largestId;
}

function numeric(text: string, whole: string): number | undefined {
	if (!/^\d+$/.test(text)) return undefined;
	if (isId(text)) return Number(text);
	throw new SealError('ERR_COPY_OPTION', `Invalid chown parameter ${JSON.stringify(whole)}: ids end at ${largestId}`, {
		details: {chown: whole},
	});
}

function unknown(kind: string, name: string, file: string): SealError {
	return new SealError('ERR_COPY_OWNER', `There is no ${kind} ${JSON.stringify(name)} in ${file} of the image`, {
		hint: `Create the ${kind} before this instruction, or give its number.`,
		details: {[kind]: name},
	});
}
