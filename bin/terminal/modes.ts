/** What programs on the far side have switched on in this terminal. */
export interface TerminalModes {
	/** Looks at what is shown. A sequence that is cut between two chunks is missed. */
	watch(shown: Buffer): void;
	/** The bytes that switch all of it off again, for a connection that broke: nobody else will. */
	restore(): string;
}

/** Modes that make a terminal useless for a shell when they stay: the second screen, mouse reports, bracketed paste, keypad. */
const harmful: ReadonlySet<number> = new Set([1, 9, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004]);
const cursor = 25;

export function createModes(): TerminalModes {
	const on = new Set<number>();
	let isCursorHidden = false;
	return {
		watch(shown) {
			if (!shown.includes(0x1b)) return;
			for (const [, numbers = '', letter] of shown.toString('latin1').matchAll(/\x1b\[\?([\d;]{1,40})([hl])/g)) {
				for (const mode of numbers.split(';').map(Number)) {
					if (mode === cursor) isCursorHidden = letter === 'l';
					else if (letter === 'l') on.delete(mode);
					else if (harmful.has(mode)) on.add(mode);
				}
			}
		},
		restore: () => `${[...on].map(mode => `\x1b[?${mode}l`).join('')}${isCursorHidden ? '\x1b[?25h' : ''}\x1b[0m`,
	};
}
