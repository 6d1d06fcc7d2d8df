import {constants} from 'node:os';
import {PassThrough, Readable, Writable} from 'node:stream';
import {HostError} from '../../host/error.js';
import type {ShellProcess} from '../shell.js';
import type {ExitStatus, Terminal} from '../transport.js';

/** Hands a line to a shell of this machine that has a terminal. */
export async function startInTerminal(
	shell: string,
	line: string,
	terminal: Terminal,
	load: () => Promise<Pty> = () => import('node-pty'),
): Promise<ShellProcess> {
	const {spawn} = await loadPty(load);
	const child = spawn(shell, ['-c', line], {
		name: terminal.type,
		cols: terminal.columns,
		rows: terminal.rows,
		encoding: null,
	});
	const stdout = new PassThrough();
	// The types know strings only; without an encoding it gives bytes.
	child.onData(chunk => {
		if (!stdout.write(chunk as unknown as Buffer)) {
			child.pause();
			stdout.once('drain', () => child.resume());
		}
	});
	const exit = new Promise<ExitStatus>(resolve => {
		child.onExit(({exitCode, signal}) => {
			stdout.end();
			resolve(signal === undefined || signal === 0 ? {code: exitCode} : {signal: signalName(signal)});
		});
	});
	const stdin = new Writable({
		write(chunk: Buffer, _encoding, done) {
			child.write(chunk);
			done();
		},
	});
	return {
		stdin,
		stdout,
		stderr: Readable.from([]),
		exit,
		close() {
			child.kill('SIGHUP');
		},
		resize: (columns, rows) => child.resize(columns, rows),
	};
}

type Pty = Pick<typeof import('node-pty'), 'spawn'>;

/** An optional package: where it could not be installed, everything else works. */
async function loadPty(load: () => Promise<Pty>): Promise<Pty> {
	try {
		return await load();
	} catch (error) {
		throw new HostError('local', 'ERR_TERMINAL', 'There is no terminal for commands on this machine', {
			hint: 'Install the package node-pty, or run the command without a terminal.',
			cause: error,
		});
	}
}

function signalName(number: number): string {
	const found = Object.entries(constants.signals).find(([, value]) => value === number);
	return found === undefined ? String(number) : found[0].slice(3);
}
