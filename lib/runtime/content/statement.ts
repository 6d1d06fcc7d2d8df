import {rename, rm, unlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists, withIo} from '../../core/io-error.js';
import {digestOf} from '../../oci/digest.js';
import {formatPlatform, hostPlatform} from '../../oci/platform.js';
import type {UnpackRequest} from './content.js';
import {type ContentFolder, digestPath} from './folder.js';
import {chainIdOf} from './tree.js';

/**
 * What a host says of an image that is whole, so that a shell can tell that nothing is to be done: one line in `images/`. It is
 * written when all was looked at and no blob is kept for others, and its time is before that look. It holds while no name below the tree
 * and the registry has changed since (`ctime`, which nobody sets by hand) and the layers are there: distribute/settled.ts asks for
 * that. So it need not be taken back when content goes, and one that is lost costs time only.
 */
export interface Statement {
	/** `linux/amd64` */
	readonly platform: string;
	/** The image has files in the host's registry. */
	readonly hasRegistry: boolean;
	readonly files: number;
	readonly bytes: number;
}

/** What was asked for: whatever differs makes it another statement. */
export type StatementOf = Pick<UnpackRequest, 'name' | 'manifest' | 'layers'>;

/** The line, without its end: version, platform, digest of the request, tree, registry, files, bytes, and the layers. */
export function formatStatement(about: Statement, {name, manifest, layers}: StatementOf): string {
	const request = digestOf(JSON.stringify([name, manifest, ...layers.flatMap(({blob, diffId}) => [blob, diffId])]));
	const words = [
		statementVersion,
		about.platform,
		request,
		treeOf({layers}),
		about.hasRegistry ? 'registry' : '-',
		about.files,
		about.bytes,
		...new Set(layers.map(({diffId}) => digestPath('layers', diffId))),
	];
	return words.join(' ');
}

/** The tree that a request makes, relative to the content's folder. */
export function treeOf({layers}: Pick<StatementOf, 'layers'>): string {
	return digestPath('trees', chainIdOf(layers.map(({diffId}) => diffId)));
}

/** What a line says, if it is the statement about just this; undefined otherwise. */
export function readStatement(line: string, of: StatementOf): Statement | undefined {
	const [, platform = '', , , registry = '', files = '', bytes = ''] = line.split(' ', 7);
	const about = {platform, hasRegistry: registry === 'registry', files: Number(files), bytes: Number(bytes)};
	return formatStatement(about, of) === line ? about : undefined;
}

/** The platform that a line speaks of, before it is known what it should say. */
export function platformIn(line: string): string | undefined {
	return new RegExp(`^${statementVersion} ([a-z0-9]{1,20}(?:/[a-z0-9.]{1,20}){1,2}) `).exec(line)?.[1];
}

/** Raised when a statement means something else. */
const statementVersion = 'whole-1';

/** A statement on its way: its time is that of its writing, and renaming keeps it. */
export interface Draft {
	/** Writes it again: what has changed by now was our own doing. */
	renew(): Promise<void>;
	/** Puts it into its place. Nothing is flushed: what a power cut leaves of it is a line that says nothing. */
	publish(): Promise<void>;
}

export async function draftStatement(
	folder: ContentFolder,
	of: StatementOf,
	about: Omit<Statement, 'platform'>,
	scratch: string,
): Promise<Draft> {
	const draft = join(scratch, 'statement');
	const line = formatStatement({...about, platform: formatPlatform(hostPlatform())}, of);
	const renew = async (): Promise<void> => {
		await withIo('write', draft, async () => {
			await rm(draft, {force: true});
			await writeFile(draft, `${line}\n`);
		});
	};
	await renew();
	const path = folder.statement(of.name);
	return {renew, publish: () => withIo('write', path, () => rename(draft, path))};
}

/** Before a name gets another meaning, or none. */
export async function dropStatement(folder: ContentFolder, name: string): Promise<void> {
	const path = folder.statement(name);
	await withIo('remove', path, () => ifExists(() => unlink(path)));
}
