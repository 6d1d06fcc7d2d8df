import {setTimeout as sleep} from 'node:timers/promises';
import {withIo} from '../../../core/io-error.js';
import {type Digest, isDigest} from '../../../oci/digest.js';
import {damaged, type FileFacts, readRegular, sameFile, statRegular} from './files.js';
import {createLru} from './lru.js';

/** Link files, remembered. Other processes may write and remove them at any time. */
export interface Links {
	/**
	 * What a link points at; undefined when there is none. A `fixed` link never changes what it says (those of layers and
	 * revisions), so it is believed for a second without a look at the disk.
	 * @throws SealError ERR_STORE_DAMAGED naming the file
	 */
	read(path: string, kind: 'fixed' | 'moving'): Promise<Digest | undefined>;
	/** To be called by who writes or removes the link. */
	forget(path: string): void;
}

export function createLinks(): Links {
	const known = createLru<string, Known>(20_000);
	const looking = new Map<string, Promise<Digest | undefined>>();
	/** Counts what this process wrote: a look that began before a write may not be remembered after it. */
	let epoch = 0;

	const look = async (path: string, entry: Known | undefined): Promise<Digest | undefined> => {
		const began = epoch;
		if (entry !== undefined) {
			const facts = await withIo('read', path, () => statRegular(path));
			if (facts !== undefined && entry.settled && sameFile(facts, entry.facts)) {
				entry.checkedAt = performance.now();
				return entry.digest;
			}
			known.delete(path);
			if (facts === undefined) return undefined;
		}
		const found = await readLink(path);
		if (found !== undefined && began === epoch) known.set(path, {...found, checkedAt: performance.now()});
		return found?.digest;
	};
	return {
		async read(path, kind) {
			const entry = known.get(path);
			if (entry !== undefined && kind === 'fixed' && performance.now() - entry.checkedAt < believedMs)
				return entry.digest;
			// A look on its way answers those who come meanwhile: a popular tag costs one system call for many requests.
			const running = looking.get(path);
			if (running !== undefined) return await running;
			const mine = look(path, entry).finally(() => {
				if (looking.get(path) === mine) looking.delete(path);
			});
			looking.set(path, mine);
			return await mine;
		},
		forget(path) {
			epoch++;
			known.delete(path);
			looking.delete(path);
		},
	};
}

interface Known extends Found {
	checkedAt: number;
}

interface Found {
	readonly digest: Digest;
	readonly facts: FileFacts;
	/** False when it was read so soon after it was written that a second write could have the same time. */
	readonly settled: boolean;
}

const believedMs = 1000;
/** More than a tick of the kernel's clock for file times. */
const racyMs = 50;
/** `sha512:` and 128 digits are 135; a stray newline or blank would still be shown as such. */
const maxLinkBytes = 256;
/** The stock server 2.8 writes links in place: for a moment they are empty or cut. */
const tornAttempts = 20;
const tornDelayMs = 10;

async function readLink(path: string): Promise<Found | undefined> {
	for (let attempt = 1; ; attempt++) {
		const found = await readRegular(path, maxLinkBytes);
		if (found === undefined) return undefined;
		const digest = found.bytes.toString('latin1');
		const ageMs = Date.now() - found.facts.mtimeMs;
		if (isDigest(digest)) return {digest, facts: found.facts, settled: ageMs > racyMs};
		if (attempt === tornAttempts || ageMs > tornAttempts * tornDelayMs) {
			throw damaged(path, `is no link: it says ${JSON.stringify(digest.slice(0, 80))} instead of a digest`);
		}
		await sleep(tornDelayMs);
	}
}
