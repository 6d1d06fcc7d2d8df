import {createInterface} from 'node:readline';
import {Writable} from 'node:stream';
import type {Context} from './context.js';
import type {Io} from './io.js';
import type {Progress} from './render/progress.js';

/** Questions on the terminal: asked on stderr, answered on stdin, one at a time; all else waits until they are answered. */
export interface Prompts extends Pick<Context, 'ask' | 'askSecret' | 'confirm'> {
	/** Resolves when no question is on the screen. */
	answered(): Promise<void>;
}

export function createPrompts(io: Io, progress: Progress, signal: AbortSignal): Prompts {
	let last: Promise<unknown> | undefined;
	const askNow = async (question: string, isSecret: boolean): Promise<string> => {
		const release = progress.hold();
		try {
			return await answerTo(question, isSecret, io, signal);
		} finally {
			release();
		}
	};
	const ask = async (question: string, isSecret: boolean): Promise<string | undefined> => {
		if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return undefined;
		const before = last;
		const answer = (async () => {
			await before?.catch(() => {});
			signal.throwIfAborted();
			return await askNow(question, isSecret);
		})();
		last = answer;
		try {
			return await answer;
		} finally {
			if (last === answer) last = undefined;
		}
	};
	return {
		answered: async () => {
			while (last !== undefined) await last.catch(() => {});
		},
		ask: question => ask(question, false),
		askSecret: question => ask(question, true),
		confirm: async question => /^y(?:es)?$/i.test((await ask(`${question} [y/N] `, false))?.trim() ?? ''),
	};
}

async function answerTo(question: string, isSecret: boolean, io: Io, signal: AbortSignal): Promise<string> {
	// readline puts the terminal into raw mode, so that only what readline writes is seen: of a secret, nothing.
	const output = isSecret ? new Writable({write: (_chunk, _encoding, done) => done()}) : io.stderr;
	const lines = createInterface({input: io.stdin, output, terminal: true, historySize: 0});
	try {
		// Not before the terminal is in raw mode: who answers at once, as a program does, would see the secret.
		if (isSecret) io.stderr.write(question);
		return await new Promise<string>((resolve, reject) => {
			lines.question(isSecret ? '' : question, {signal}, resolve);
			// readline takes Ctrl-C for itself while it asks: hand it on as the signal that it is.
			lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
			lines.on('close', () => resolve(''));
			signal.addEventListener('abort', () => reject(signal.reason as Error), {once: true});
		});
	} finally {
		lines.close();
		if (isSecret) io.stderr.write('\n');
	}
}
