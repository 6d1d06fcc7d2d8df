import {Writable} from 'node:stream';

/** A terminal in memory: enough of a VT100 for what sealimage writes. An escape it does not know fails the test. */
export class VirtualScreen extends Writable {
	readonly isTTY = true;
	columns: number;
	rows: number;
	cursorHidden = false;
	/** Every byte that was written. */
	raw = '';
	#lines: string[][] = [[]];
	#row = 0;
	#column = 0;

	constructor(columns: number, rows: number) {
		super({decodeStrings: false});
		this.columns = columns;
		this.rows = rows;
	}

	override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
		this.raw += chunk.toString();
		this.#feed(chunk.toString());
		done();
	}

	/** Everything ever shown that was not erased, scrolled lines first, without trailing blanks. */
	get text(): string[] {
		const lines = this.#lines.map(line =>
			Array.from(line, cell => cell ?? ' ')
				.join('')
				.trimEnd(),
		);
		while (lines.at(-1) === '') lines.pop();
		return lines;
	}

	/** Changes the width as terminals do that reflow: lines that are too long now take several rows. */
	resize(columns: number): void {
		const lines: string[][] = [];
		for (const [index, line] of this.#lines.entries()) {
			if (index === this.#row) this.#row = lines.length;
			for (let from = 0; from === 0 || from < line.length; from += columns)
				lines.push(line.slice(from, from + columns));
		}
		this.#lines = lines;
		this.columns = columns;
		this.emit('resize');
	}

	#feed(text: string): void {
		const pattern = /\x1b\[(\??)(\d*)([A-Za-z])|\x1b.|[\s\S]/gu;
		for (const [token, mode, count, letter] of text.matchAll(pattern)) {
			if (letter !== undefined) this.#control(token, mode ?? '', count ?? '', letter);
			else if (token === '\n') this.#newline();
			else if (token === '\r') this.#column = 0;
			else if (token < ' ' || token.startsWith('\x1b')) throw new Error(`unexpected control ${JSON.stringify(token)}`);
			else this.#put(token);
		}
	}

	#control(token: string, mode: string, count: string, letter: string): void {
		if (mode === '?' && count === '25') this.cursorHidden = letter === 'l';
		else if (letter === 'A') {
			// A terminal cannot go above its first visible row.
			const top = Math.max(0, this.#lines.length - this.rows);
			this.#row = Math.max(top, this.#row - Number(count || 1));
		} else if (letter === 'K') this.#lines[this.#row]!.length = Math.min(this.#lines[this.#row]!.length, this.#column);
		else if (letter === 'J') {
			this.#lines.length = this.#row + 1;
			this.#lines[this.#row]!.length = Math.min(this.#lines[this.#row]!.length, this.#column);
		} else if (letter !== 'm') throw new Error(`unexpected escape ${JSON.stringify(token)}`);
	}

	#put(character: string): void {
		if (this.#column >= this.columns) {
			this.#newline();
			this.#column = 0;
		}
		this.#lines[this.#row]![this.#column++] = character;
	}

	#newline(): void {
		this.#row++;
		this.#column = 0;
		this.#lines[this.#row] ??= [];
	}
}
