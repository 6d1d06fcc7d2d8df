import {createInterface} from 'node:readline';
import {Writable} from 'node:stream';
import type {Context} from './context.js';
import type {Io} from './io.js';
import type {Progress} from './render/progress.js';

/** Questions on the terminal: asked on stderr, answered on stdin. */
export function createPrompts(
	io: Io,
	progress: Progress,
	signal: AbortSignal,
): Pick<Context, 'ask' | 'askSecret' | 'confirm'> {
	const ask = async (question: string, isSecret: boolean): Promise<string | undefined> => {
		if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return undefined;
		progress.pause();
		return await answerTo(question, isSecret, io, signal);
	};
	return {
		ask: question => ask(question, false),
		askSecret: question => ask(question, true),
		confirm: async question => /^y(?:es)?$/i.test((await ask(`${question} [y/N] `, false))?.trim() ?? ''),
	};
}

async function answerTo(question: string, isSecret: boolean, io: Io, signal: AbortSignal): Promise<string> {
	// readline puts the terminal into raw mode, so that only what readline writes is seen: of a secret, nothing.
	const output = isSecret ? new Writable({write: (_chunk, _encoding, done) => done()}) : io.stderr;
	if (isSecret) io.stderr.write(question);
	const lines = createInterface({input: io.stdin, output, terminal: true, historySize: 0});
	try {
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
