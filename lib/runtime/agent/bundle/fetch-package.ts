import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError, systemCode} from '../../../core/errors.js';
import {emit, type OperationOptions} from '../../../core/events.js';
import type {PackagePin} from './packages.js';

export interface FetchOptions extends OperationOptions {
	/** What npm runs with: PATH, HOME, its own settings and proxies. */
	readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Brings the archive of a package into `folder`, which is empty, with the user's own npm: its registry, its logins, its cache. The bytes
 * are those of the pin, whatever npm was told.
 * @throws SealError ERR_AGENT_BUNDLE
 */
export async function fetchPackage(pin: PackagePin, folder: string, options: FetchOptions): Promise<string> {
	const title = `Fetch ${pin.name} ${pin.version} with npm`;
	emit(options, {type: 'step.started', id: pin.name, title});
	const started = performance.now();
	await runNpm(pin, folder, options);
	const [name, ...others] = await readdir(folder);
	if (name === undefined || others.length > 0) throw failed(pin, 'npm wrote no archive');
	const path = join(folder, name);
	const found = await integrityOf(path, options);
	if (found !== pin.integrity) {
		throw new SealError('ERR_AGENT_BUNDLE', `What npm gives as ${pin.name} ${pin.version} is not what is expected`, {
			hint: 'Look at the registry that npm is set to: it has other bytes under this version.',
			details: {expected: pin.integrity, found},
		});
	}
	emit(options, {type: 'step.finished', id: pin.name, title, elapsedMs: performance.now() - started});
	return path;
}

async function runNpm(pin: PackagePin, folder: string, {env, signal}: FetchOptions): Promise<void> {
	const args = ['pack', `${pin.name}@${pin.version}`, '--pack-destination', folder, '--prefer-offline'];
	const child = spawn('npm', [...args, '--ignore-scripts', '--loglevel=error'], {
		// Not where the user stands: a folder that came from somewhere may hold settings of npm that send logins elsewhere.
		cwd: folder,
		env,
		stdio: ['ignore', 'ignore', 'pipe'],
		// A group of its own: on many machines npm is a script around the program that works.
		detached: true,
	});
	const stop = (): void => {
		try {
			if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
		} catch {
			// It has ended already.
		}
	};
	signal?.addEventListener('abort', stop, {once: true});
	let stderr = '';
	child.stderr.on('data', (chunk: Buffer) => {
		stderr = (stderr + chunk.toString()).slice(-2000);
	});
	const code = await new Promise<number | null>((resolve, reject) => {
		child.on('error', error => {
			reject(systemCode(error) === 'ENOENT' ? failed(pin, 'there is no npm on this machine') : error);
		});
		child.on('close', resolve);
	}).finally(() => signal?.removeEventListener('abort', stop));
	signal?.throwIfAborted();
	if (code !== 0)
		throw failed(pin, stderr.trim().split('\n').slice(-3).join('; ') || `npm ended with exit code ${code}`);
}

async function integrityOf(path: string, {signal}: OperationOptions): Promise<string> {
	const hash = createHash('sha512');
	for await (const chunk of createReadStream(path, {highWaterMark: 1024 * 1024, signal})) hash.update(chunk as Buffer);
	return `sha512-${hash.digest('base64')}`;
}

function failed(pin: PackagePin, why: string): SealError {
	return new SealError(
		'ERR_AGENT_BUNDLE',
		`The package ${pin.name} ${pin.version}, a part of the agent, cannot be had: ${why}`,
		{
			hint: 'Run "sealimage agent fetch --to DIR" on a machine with access to an npm registry, bring DIR here, and name it with --agent-dir; "build --no-agent" does without.',
		},
	);
}
