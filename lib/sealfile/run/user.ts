import {SealError} from '../../core/errors.js';

/** Who runs a command, in ids of the image. */
export interface ImageUser {
	readonly uid: number;
	readonly gid: number;
	readonly additionalGids: readonly number[];
	readonly home: string;
}

/** The text of the image's files, '' where it has none. */
export interface UserFiles {
	readonly passwd: string;
	readonly group: string;
}

/**
 * Looks up a USER value as docker does: a name must be in the image's files, a number need not be; without a group the
 * primary one of the passwd entry is taken (0 when there is none) and the supplementary ones of the group file.
 * @throws SealError ERR_RUN_USER
 */
export function lookUpUser(user: string, files: UserFiles): ImageUser {
	const [name = '', groupName] = splitOnce(user === '' ? '0' : user);
	const people = parseLines(files.passwd, 7);
	const groups = parseLines(files.group, 4);
	const number = parseId(name);
	// passwd(5) allows names of digits; useradd does not. As in docker the name wins.
	const person =
		people.find(fields => fields[0] === name) ??
		(number === undefined ? undefined : people.find(fields => parseId(fields[2]) === number));
	const uid = person === undefined ? number : parseId(person[2]);
	if (uid === undefined) throw unknown('user', name, '/etc/passwd');
	const home = person?.[5] === undefined || person[5] === '' ? '/' : person[5];
	if (groupName !== undefined) {
		return {uid, gid: lookUpGroup(groupName, groups), additionalGids: [], home};
	}
	const gid = parseId(person?.[3]) ?? 0;
	return {uid, gid, additionalGids: supplementary(person?.[0], gid, groups), home};
}

function lookUpGroup(name: string, groups: readonly (readonly string[])[]): number {
	const id = parseId(groups.find(fields => fields[0] === name)?.[2]) ?? parseId(name);
	if (id === undefined) throw unknown('group', name, '/etc/group');
	return id;
}

function supplementary(
	name: string | undefined,
	primary: number,
	groups: readonly (readonly string[])[],
): readonly number[] {
	if (name === undefined) return [];
	const ids = groups
		.filter(fields => fields[3]?.split(',').includes(name))
		.map(fields => parseId(fields[2]))
		.filter((id): id is number => id !== undefined && id !== primary);
	return [...new Set(ids)];
}

/** The fields of each line that has at least three of them; comments and NIS lines fall out by themselves. */
function parseLines(text: string, fields: number): readonly (readonly string[])[] {
	return text
		.split('\n')
		.map(line => line.trim().split(':').slice(0, fields))
		.filter(line => line.length >= 3 && !line[0]?.startsWith('#'));
}

/** Ids are 32 bits without the last value, which means "unchanged" in chown(2). */
function parseId(text: string | undefined): number | undefined {
	if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
	const id = Number(text);
	return id < 0xff_ff_ff_ff ? id : undefined;
}

function splitOnce(text: string): readonly string[] {
	const at = text.indexOf(':');
	return at < 0 || at === text.length - 1 ? [text.replace(/:$/, '')] : [text.slice(0, at), text.slice(at + 1)];
}

function unknown(kind: 'user' | 'group', name: string, file: string): SealError {
	return new SealError('ERR_RUN_USER', `The ${kind} "${name}" is not in the image's ${file}`, {
		hint: `Make it in an earlier RUN, or write its number.`,
		details: {[kind]: name},
	});
}
