import {spawn} from 'node:child_process';
import {closeSync, lstatSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** Runs commands one after the other and adds up what they cost: wall and CPU seconds, and the largest peak memory. */
export async function measure(commands) {
	const total = {wallSeconds: 0, cpuSeconds: 0, peakBytes: 0};
	for (const command of commands) {
		const one = await measureOne(command);
		total.wallSeconds += one.wallSeconds;
		total.cpuSeconds += one.cpuSeconds;
		total.peakBytes = Math.max(total.peakBytes, one.peakBytes);
	}
	return total;
}

async function measureOne(argv) {
	const scratch = mkdtempSync(join(tmpdir(), 'sealimage-time-'));
	const report = join(scratch, 'report');
	const started = process.hrtime.bigint();
	// GNU time reports the peak memory of the command and its children, which Node cannot see.
	await runQuietly(['/usr/bin/time', '--format', '%U %S %M', '--output', report, ...argv]);
	const wallSeconds = Number(process.hrtime.bigint() - started) / 1e9;
	const [user, system, peakKiB] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
	rmSync(scratch, {recursive: true});
	return {wallSeconds, cpuSeconds: user + system, peakBytes: peakKiB * 1024};
}

/** Without settings of Node: authorities from NODE_EXTRA_CA_CERTS alone take 40 ms at each start. */
const plainEnvironment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_')));

/** Runs a command without a terminal; rejects with its messages when it fails. */
export function runQuietly(argv) {
	return new Promise((resolve, reject) => {
		const child = spawn(argv[0], argv.slice(1), {stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment});
		let output = '';
		let messages = '';
		child.stdout.on('data', chunk => (output += chunk));
		child.stderr.on('data', chunk => (messages = (messages + chunk).slice(-4000)));
		child.once('error', reject);
		child.once('close', code =>
			code === 0 ? resolve(output) : reject(new Error(`${argv.join(' ')} ended with ${code}:\n${messages}`)),
		);
	});
}

export function median(numbers) {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Bytes of all files of a folder; with `warm` each is read once, so that every run finds it in the page cache. */
export function folderBytes(root, {warm = false} = {}) {
	const buffer = Buffer.alloc(1 << 20);
	let sizeBytes = 0;
	const visit = folder => {
		for (const entry of readdirSync(folder, {withFileTypes: true})) {
			const path = join(folder, entry.name);
			if (entry.isDirectory()) visit(path);
			else if (entry.isFile()) sizeBytes += warm ? readThrough(path, buffer) : lstatSync(path).size;
		}
	};
	visit(root);
	return sizeBytes;
}

function readThrough(path, buffer) {
	const fd = openSync(path, 'r');
	let sizeBytes = 0;
	for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) sizeBytes += read;
	closeSync(fd);
	return sizeBytes;
}
