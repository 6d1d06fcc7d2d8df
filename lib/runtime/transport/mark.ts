import type {Readable} from 'node:stream';

export interface MarkFound {
	/** What stands in the marked line after the mark; undefined when the stream ended without one. */
	readonly words: readonly string[] | undefined;
	/** The end of what came before it. */
	readonly text: string;
}

/**
 * Reads a stream up to the end of the line `<MARK ...>` and leaves all that follows in it. What login shells print before (a
 * .bashrc with an echo breaks scp and rsync) is passed over. Calls `onPrompt` each time that the prompt turns up.
 */
export async function readMark(
	stream: Readable,
	mark: string,
	prompt: string,
	onPrompt: () => void,
): Promise<MarkFound> {
	// latin1 keeps each byte one character, so that offsets hold.
	let text = '';
	let seen = 0;
	let read = 0;
	const scan = (chunk: Buffer): MarkFound | undefined => {
		text += chunk.toString('latin1');
		read += chunk.length;
		for (let at = text.indexOf(prompt, seen); at !== -1; at = text.indexOf(prompt, seen)) {
			seen = at + prompt.length;
			onPrompt();
		}
		const start = text.indexOf(`<${mark} `, seen);
		const end = start === -1 ? -1 : text.indexOf('\n', start);
		if (end !== -1) {
			const rest = text.slice(end + 1);
			if (rest !== '') stream.unshift(Buffer.from(rest, 'latin1'));
			const words = text
				.slice(start + mark.length + 2, end)
				.replace(/>\r?$/, '')
				.split(' ');
			return {words, text: readable(text.slice(0, start))};
		}
		if (start === -1 && text.length > keptChars) {
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
