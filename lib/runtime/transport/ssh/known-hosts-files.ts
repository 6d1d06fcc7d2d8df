import {randomBytes} from 'node:crypto';
import {mkdir, open, readFile, stat} from 'node:fs/promises';
import {dirname} from 'node:path';
import {SealError} from '../../../core/errors.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {KnownHosts, keyType, knownHostsLine} from './known-hosts.js';

/** The known_hosts files of one run, read once and added to. */
export interface KnownHostsFiles {
	readonly known: KnownHosts;
	/** Writes a key into the first file. @throws SealError ERR_KNOWN_HOSTS */
	record(name: string, key: Buffer, options: {readonly hashed: boolean}): Promise<string | undefined>;
}

/**
 * Reads files of known hosts; those that do not exist count as empty.
 * @param writable new keys go to the first of these
 * @throws SealError ERR_KNOWN_HOSTS for a file that is too long; ERR_IO, ERR_PERMISSION
 */
export async function loadKnownHosts(
	writable: readonly string[],
	readOnly: readonly string[],
): Promise<KnownHostsFiles> {
	const known = new KnownHosts();
	for (const file of [...writable, ...readOnly]) {
		const text = await withIo('read', file, () => ifExists(() => readLimited(file)));
		if (text !== undefined) known.read(text, file);
	}
	const [target] = writable;
	return {
		known,
		async record(name, key, {hashed}) {
			known.add({marker: undefined, names: [name], type: keyType(key), key, file: target ?? '', line: 0});
			if (target === undefined) return undefined;
			await append(target, knownHostsLine(name, key, hashed ? randomBytes(20) : undefined));
			return target;
		},
	};
}

/** Ten thousand hosts with three keys each take ten megabytes. */
const limitBytes = 64 * 1024 * 1024;

async function readLimited(file: string): Promise<string> {
	if ((await stat(file)).size <= limitBytes) return await readFile(file, 'utf8');
	throw new SealError('ERR_KNOWN_HOSTS', `${file} is longer than a file of known hosts can be`, {
		hint: 'Check that it is the right file.',
	});
}

/** One write of one line at the end: other processes do the same. The last line of a hand-written file may lack its end. */
async function append(file: string, line: string): Promise<void> {
	try {
		await mkdir(dirname(file), {recursive: true, mode: 0o700});
		const handle = await open(file, 'a+', 0o600);
		try {
			const {size} = await handle.stat();
			const last = Buffer.alloc(1);
			if (size > 0) await handle.read(last, 0, 1, size - 1);
			await handle.appendFile(size > 0 && last[0] !== 0x0a ? `\n${line}` : line);
		} finally {
			await handle.close();
		}
	} catch (error) {
		throw new SealError('ERR_KNOWN_HOSTS', `The key of a new host cannot be written to ${file}`, {
			hint: 'Make the file writable, name another with --known-hosts, or add the keys of hosts yourself and use --host-key strict.',
			cause: error,
		});
	}
}
