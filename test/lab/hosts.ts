import {execFileSync, spawn} from 'node:child_process';
import {closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {insideNetwork, openNetwork, plugIn, setCable, unplug} from './network.js';
import {baseDir, labDir, network4, network6} from './place.js';

/** A real Linux host: its own kernel, disk, systemd and sshd. Users: root (the key, or the password) and ops (the password; sudo asks for it). */
export interface LabHost {
	readonly name: string;
	readonly address: string;
	readonly address6: string;
	/** The private key of root. */
	readonly keyFile: string;
	readonly password: 'sealimage';
}

export interface BootOptions {
	/** Default 640. */
	readonly memoryMiB?: number;
	/** Throw away the disk of a host of this name first. */
	readonly fresh?: boolean;
}

/** Boots hosts and waits until each answers over SSH, about three seconds. Hosts that run already are left alone. */
export async function bootHosts(names: readonly string[], options: BootOptions = {}): Promise<LabHost[]> {
	openNetwork();
	if (options.fresh === true) for (const name of names) removeHost(name);
	for (const name of names) boot(name, options.memoryMiB ?? 640);
	for (const name of names) await answers(name);
	return names.map(describeHost);
}

export function isRunning(name: string): boolean {
	return pidOf(name) !== undefined;
}

/** A power cut: nothing is flushed, no connection is closed. `bootHosts` starts it again with the disk as it was. */
export function crash(name: string): void {
	const pid = pidOf(name);
	if (pid === undefined) return;
	step(`${name}: power cut`, () => undefined);
	process.kill(pid, 'SIGKILL');
	while (isAlive(pid)) execFileSync('sleep', ['0.05']);
	rmSync(join(hostDir(name), 'pid'), {force: true});
}

/** A power cut for good: the disk goes too. */
export function removeHost(name: string): void {
	if (!existsSync(hostDir(name))) return;
	crash(name);
	unplug(tapOf(name));
	rmSync(hostDir(name), {recursive: true, force: true});
}

/** Pulls the network cable out, or puts it back. */
export function cable(name: string, state: 'in' | 'out'): void {
	setCable(tapOf(name), state);
}

/**
 * Runs a shell line on a host as root with OpenSSH's client, for setting the scene and for looking at it. @returns its stdout
 * @throws when it fails, or takes longer than `timeoutMs`
 */
export function onHost(name: string, line: string, input = '', timeoutMs = 120_000): string {
	const [command, args] = insideNetwork(sshArguments(name, line));
	return step(`${name}: ${line}`, () =>
		execFileSync(command, args, {
			encoding: 'utf8',
			input,
			stdio: ['pipe', 'pipe', 'pipe'],
			maxBuffer: 64 << 20,
			timeout: timeoutMs,
			killSignal: 'SIGKILL',
		}),
	);
}

/** What was done to hosts last, for the report of a test that got stuck. */
export function lastSteps(): readonly string[] {
	return steps;
}

/** Copies a file or folder of this machine into a folder of a host. */
export function copyToHost(name: string, source: string, folder: string): void {
	const copy = `tar -C "$1" -cf - "$2" | ssh $4 "mkdir -p '$3' && tar -C '$3' -xf -"`;
	const options = [...sshOptions(), `root@${describeHost(name).address}`].join(' ');
	const [command, args] = insideNetwork([
		'sh',
		'-ec',
		copy,
		'sh',
		join(source, '..'),
		source.split('/').pop() ?? '',
		folder,
		options,
	]);
	const limits = {timeout: 120_000, killSignal: 'SIGKILL'} as const;
	step(`${source} to ${name}:${folder}`, () =>
		execFileSync(command, args, {stdio: ['ignore', 'ignore', 'pipe'], ...limits}),
	);
}

/** The Debian packages that the base carries for tests, such as `containerd`. */
export function packageFile(name: string): string {
	const folder = join(baseDir(), 'packages');
	const file = readdirSync(folder).find(entry => entry.startsWith(`${name}_`));
	if (file === undefined) throw new Error(`The lab has no package ${name}`);
	return join(folder, file);
}

export function describeHost(name: string): LabHost {
	const number = numberOf(name);
	return {
		name,
		address: `${network4}.${number}`,
		address6: `${network6}${number}`,
		keyFile: join(baseDir(), 'id'),
		password: 'sealimage',
	};
}

export function listHosts(): readonly (LabHost & {readonly running: boolean})[] {
	const folder = join(labDir, 'hosts');
	if (!existsSync(folder)) return [];
	return readdirSync(folder).map(name => ({...describeHost(name), running: pidOf(name) !== undefined}));
}

export function sshArguments(name: string, line?: string): string[] {
	return ['ssh', ...sshOptions(), `root@${describeHost(name).address}`, ...(line === undefined ? [] : [line])];
}

function sshOptions(): string[] {
	// ConnectTimeout ends with the key exchange: what comes after it would be waited for without end.
	const set = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes', 'ConnectTimeout=5'];
	set.push('ServerAliveInterval=5', 'ServerAliveCountMax=6');
	return ['-q', '-i', join(baseDir(), 'id'), ...set.flatMap(option => ['-o', option])];
}

function boot(name: string, memoryMiB: number): void {
	if (pidOf(name) !== undefined) return;
	const folder = hostDir(name);
	const number = numberOf(name);
	plugIn(tapOf(name));
	const kernel = [
		`mem=${memoryMiB}M`,
		// What the host writes goes beside the base, which all hosts share.
		`ubd0=/hosts/${name}/disk.cow,/base/base.img`,
		'root=/dev/ubda',
		'rw',
		`vec0:transport=tap,ifname=${tapOf(name)},depth=128,gro=1,mac=02:00:00:00:00:${number.toString(16).padStart(2, '0')}`,
		'con=null',
		'con0=null,fd:1',
		// Of the rings that Node opens, User-Mode Linux loses count when such a process forks, and dies of it.
		'sysctl.kernel.io_uring_disabled=2',
		// Several times faster than tracing its processes, in system calls and forks; where this machine forbids it, it traces.
		'seccomp=auto',
		`umid=${name}`,
		`lab.name=${name}`,
		`lab.address=${network4}.${number}`,
		`lab.address6=${network6}${number}`,
	];
	// The mounts are seen by this process alone (ip netns exec gives it a mount namespace) and go with it.
	const start = `
		runner=$1 hosts=$2 base=$3; shift 3
		mkdir -p "$runner/base"
		mount --bind "$hosts" "$runner/hosts"
		mount --bind "$base" "$runner/base"
		mount -t proc proc "$runner/proc"
		mount --rbind /dev "$runner/dev"
		mount -t tmpfs -o size=90%,exec tmpfs "$runner/dev/shm"
		HOME=/dev/shm TMPDIR=/dev/shm exec chroot "$runner" /usr/bin/linux.uml "$@"`;
	const runner = join(baseDir(), 'runner');
	const [command, args] = insideNetwork([
		'sh',
		'-ec',
		start,
		'sh',
		runner,
		join(labDir, 'hosts'),
		baseDir(),
		...kernel,
	]);
	const log = openSync(join(folder, 'console.log'), 'w');
	const child = spawn(command, args, {detached: true, stdio: ['ignore', log, log]});
	closeSync(log);
	child.unref();
	writeFileSync(join(folder, 'pid'), `${child.pid}\n`);
}

async function answers(name: string): Promise<void> {
	const deadline = performance.now() + bootTimeoutMs;
	while (performance.now() < deadline && pidOf(name) !== undefined) {
		try {
			onHost(name, 'true', '', 15_000);
			return;
		} catch {
			await sleep(100);
		}
	}
	const console = readFileSync(join(hostDir(name), 'console.log'), 'utf8').slice(-2000);
	const what = pidOf(name) === undefined ? 'ended while it booted' : `did not come up in ${bootTimeoutMs / 1000} s`;
	throw new Error(`The lab host ${name} ${what}; its console shows:\n${console}`);
}

const bootTimeoutMs = 120_000;
const steps: string[] = [];

function step<T>(what: string, work: () => T): T {
	const startedMs = performance.now();
	let became = 'failed';
	try {
		const result = work();
		became = 'done';
		return result;
	} finally {
		const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
		steps.push(`${what.replaceAll(/\s+/g, ' ').slice(0, 200)} (${became} in ${seconds} s)`);
		if (steps.length > 5) steps.shift();
	}
}

/** The first use of a name takes the lowest number that no host has; one process at a time chooses. */
function numberOf(name: string): number {
	const file = join(hostDir(name), 'number');
	if (existsSync(file)) return Number(readFileSync(file, 'utf8'));
	mkdirSync(join(labDir, 'hosts'), {recursive: true});
	return oneAtATime(() => {
		const taken = new Set(
			readdirSync(join(labDir, 'hosts')).map(other => {
				const own = join(hostDir(other), 'number');
				return existsSync(own) ? Number(readFileSync(own, 'utf8')) : 0;
			}),
		);
		let number = 11;
		while (taken.has(number)) number++;
		if (number > 250) throw new Error('The lab has no free address');
		mkdirSync(hostDir(name), {recursive: true});
		writeFileSync(file, String(number));
		return number;
	});
}

/** Making a folder is what decides between processes. One that was killed while it had it left it behind: work under it takes a moment. */
export function oneAtATime<T>(work: () => T): T {
	const lock = join(labDir, 'choosing');
	for (let attempt = 0; ; attempt++) {
		try {
			mkdirSync(lock);
			break;
		} catch {
			if (attempt > 100) rmSync(lock, {recursive: true, force: true});
			execFileSync('sleep', ['0.05']);
		}
	}
	try {
		return work();
	} finally {
		rmSync(lock, {recursive: true, force: true});
	}
}

function pidOf(name: string): number | undefined {
	const file = join(hostDir(name), 'pid');
	if (!existsSync(file)) return undefined;
	const pid = Number(readFileSync(file, 'utf8'));
	return pid > 0 && isAlive(pid) && isLabKernel(pid) ? pid : undefined;
}

/** After a reboot of this machine the number may be another process's. */
function isLabKernel(pid: number): boolean {
	try {
		const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
		// For a moment, while one program takes the place of another, there is none.
		return command === '' || /linux\.uml|\0sh\0-ec|^sh\0-ec|netns/.test(command);
	} catch {
		return false;
	}
}

function isAlive(pid: number): boolean {
	try {
		// A killed child that nobody has waited for yet is dead too.
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
}

function tapOf(name: string): string {
	return `tap${numberOf(name)}`;
}

function hostDir(name: string): string {
	return join(labDir, 'hosts', name);
}
