import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {ifExists, withIo} from '../../core/io-error.js';

type Facts = Readonly<Record<string, unknown>>;

/**
 * Keeps what a host was like before anything of ours came to it; the first word counts. It outlives the record, so that a look that was
 * cut off can be taken again.
 * @throws SealError ERR_NO_SPACE, ERR_PERMISSION, ERR_IO
 */
export async function keepBefore(root: string, facts: Facts): Promise<void> {
	if ((await readBefore(root)) !== undefined) return;
	await withIo('make', root, () => mkdir(root, {recursive: true}));
	await writeFileAtomic(placeOfFacts(root), JSON.stringify(facts), {mode: 0o600});
}

/** Undefined when nothing was kept, or it is damaged: it is there to compare with, and not needed. */
export async function readBefore(root: string): Promise<Facts | undefined> {
	const path = placeOfFacts(root);
	const text = await withIo('read', path, () => ifExists(() => readFile(path, 'utf8')));
	try {
		const value: unknown = JSON.parse(text ?? '');
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Facts) : undefined;
	} catch {
		return undefined;
	}
}

function placeOfFacts(root: string): string {
	return join(root, 'facts-before.json');
}
