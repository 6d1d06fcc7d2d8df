import {readFileSync} from 'node:fs';
import {isSealError} from '../lib/core/errors.js';
import type {SealEvent} from '../lib/core/events.js';
import {type MirrorConfig, parseMirrorConfig} from '../lib/runtime/mirror/config.js';
import {probeMirror, waitForMirror} from '../lib/runtime/mirror/probe.js';
import {serveMirror} from '../lib/runtime/mirror/serve.js';

const usage = 'usage: sealimage-agent registry --config FILE [--wait | --check]\n';
const waitMs = 90_000;

/** The service of `sealimage-registry.service`, and what looks at it. Lines for people go to stderr: the journal. @returns the exit code */
export async function runAgentRegistry(args: readonly string[], signal: AbortSignal): Promise<number> {
	const [flag, file, mode, more] = args;
	const isKnown = mode === undefined || mode === '--wait' || mode === '--check';
	if (flag !== '--config' || file === undefined || !isKnown || more !== undefined) {
		process.stderr.write(usage);
		return 2;
	}
	try {
		const config = parseMirrorConfig(readFileSync(file, 'utf8'), file);
		if (mode === '--wait') return (await waitForService(config, signal)) ? 0 : 1;
		if (mode === '--check') {
			process.stdout.write(`${JSON.stringify(await probeMirror(config, {signal}))}\n`);
			return 0;
		}
		const mirror = await serveMirror(config, {signal, onEvent: log});
		process.stderr.write(`Serving ${config.root} on ${mirror.url}\n`);
		void mirror.networkUrl.then(url => {
			if (url !== undefined) process.stderr.write(`Serving ${config.root} on ${url}\n`);
		});
		await new Promise<void>(stop => {
			if (signal.aborted) stop();
			else signal.addEventListener('abort', () => stop(), {once: true});
		});
		await mirror.close();
		return 0;
	} catch (error) {
		if (signal.aborted) return 0;
		process.stderr.write(`${isSealError(error) ? `${error.code}: ${error.message}` : String(error)}\n`);
		return 1;
	}
}

/** systemd says which process it started. When that one has given up, it has said why, and there is nothing to wait for. */
async function waitForService(config: MirrorConfig, signal: AbortSignal): Promise<boolean> {
	const pid = Number(process.env.MAINPID ?? 0);
	const gone = new AbortController();
	const look = (): void => {
		if (pid > 0 && !isRunning(pid)) gone.abort();
	};
	const timer = setInterval(look, 200);
	try {
		return await waitForMirror(config, waitMs, {signal: AbortSignal.any([signal, gone.signal])});
	} catch (error) {
		if (gone.signal.aborted) return false;
		throw error;
	} finally {
		clearInterval(timer);
	}
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

function log(event: SealEvent): void {
	if (event.type === 'warning') process.stderr.write(`${event.message}\n`);
}
