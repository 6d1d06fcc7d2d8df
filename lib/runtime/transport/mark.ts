import type {Readable} from 'node:stream';

export interface MarkFound {
	/** What stands in the marked line after the mark; undefined when the stream ended without one. */
	readonly words: readonly string[] | undefined;
	/** The end of what came before it. */
	readonly text: string;
}

/**
 * Reads a stream up to the end of the line `<MARK start ...>` (or whatever word is no aside), and leaves all that follows in it. What login
 * shells print before (a .bashrc with an echo breaks scp and rsync) is passed over. Asides, as the prompt of sudo, are told
 * as they come.
 */
export async function readMark(
	stream: Readable,
	mark: string,
	asides: ReadonlySet<string>,
	onAside: (word: string) => void,
): Promise<MarkFound> {
	// latin1 keeps each byte one character, so that offsets hold.
	let text = '';
	let seen = 0;
	let read = 0;
	const line = new RegExp(`<${mark} ([a-z0-9 ]{1,60})>(\\r?\\n)?`, 'g');
	const scan = (chunk: Buffer): MarkFound | undefined => {
		text += chunk.toString('latin1');
		read += chunk.length;
		line.lastIndex = seen;
		for (let found = line.exec(text); found !== null; found = line.exec(text)) {
			const [whole, inner = '', lineEnd] = found;
			const words = inner.split(' ');
			if (!asides.has(inner)) {
				// Its line is not all here.
				if (lineEnd === undefined) return undefined;
				const rest = text.slice(found.index + whole.length);
				if (rest !== '') stream.unshift(Buffer.from(rest, 'latin1'));
				return {words, text: readable(text.slice(0, found.index))};
			}
			seen = found.index + whole.length;
			onAside(inner);
		}
		if (text.length > 2 * keptChars) {
			const cut = text.length - keptChars;
			text = text.slice(cut);
			seen = Math.max(0, seen - cut);
		}
		return undefined;
	};
	return await new Promise<MarkFound>(resolve => {
		const finish = (found: MarkFound): void => {
			stream.off('readable', onReadable);
			for (const event of ends) stream.off(event, onEnd);
			resolve(found);
		};
		const onEnd = (): void => finish({words: undefined, text: readable(text)});
		const onReadable = (): void => {
			for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) {
				const found = scan(chunk) ?? (read > maxNoiseBytes ? {words: undefined, text: readable(text)} : undefined);
				if (found !== undefined) {
					finish(found);
					return;
				}
			}
		};
		for (const event of ends) stream.once(event, onEnd);
		stream.on('readable', onReadable);
		if (stream.destroyed || stream.readableEnded) onEnd();
	});
}

const ends = ['end', 'close', 'error'] as const;
const keptChars = 16 * 1024;
/** No login shell prints as much; a host that does is left. */
const maxNoiseBytes = 1024 * 1024;

function readable(latin1: string): string {
	return Buffer.from(latin1, 'latin1').toString();
}
