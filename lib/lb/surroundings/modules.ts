import {execFile} from 'node:child_process';
import {access, mkdir, readFile, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {hasCode, isSealError} from '../../core/errors.js';
import {ifExists} from '../../core/io-error.js';
import {openFamily} from '../netlink/generic.js';

/** systemd loads these at boot, as root, before a balancer with few rights starts. */
const loadFile = 'etc/modules-load.d/sealimage-lb.conf';

/** Whether the kernel speaks IPVS; newer ones load it when they are asked. @throws SealError ERR_NETLINK */
export async function hasIpvs(): Promise<boolean> {
	try {
		(await openFamily('IPVS', 1)).close();
		return true;
	} catch (error) {
		if (hasCode(error, 'ERR_NETLINK_FAMILY')) return false;
		throw error;
	}
}

/** As `hasIpvs`, but without asking a kernel that would load the module to answer. One that has it built in shows it as loaded: it has parameters. */
export async function runsIpvs(root: string): Promise<boolean> {
	return (await loadedModules(root, ['ip_vs'])).length > 0 && (await hasIpvs());
}

/** Those of the names that are loaded, in the same order. */
export async function loadedModules(root: string, names: readonly string[]): Promise<string[]> {
	const found = await Promise.all(
		names.map(name => ifExists(() => access(join(root, 'sys/module', name)).then(() => true))),
	);
	return names.filter((_, index) => found[index] === true);
}

/** Asks the system's modprobe; why it did not work, or undefined when it did. Only names of our own come here. */
export async function modprobe(
	names: readonly string[],
	options: {readonly unload?: boolean; readonly signal?: AbortSignal | undefined} = {},
): Promise<string | undefined> {
	const args = [...(options.unload === true ? ['-r'] : ['-a']), '--', ...names];
	for (const tool of ['/usr/sbin/modprobe', '/sbin/modprobe']) {
		const {code, said} = await run(tool, args, options.signal);
		options.signal?.throwIfAborted();
		if (code === 'ENOENT') continue;
		return code === undefined ? undefined : said;
	}
	return 'there is no modprobe';
}

/** True when the file was not so before. A system that does not let itself be written is no failure: the modules are loaded now. */
export async function loadAtBoot(root: string, names: readonly string[]): Promise<boolean> {
	const file = join(root, loadFile);
	const wanted = `# Written by sealimage for its load balancer.\n${names.map(name => `${name}\n`).join('')}`;
	if ((await ifExists(() => readFile(file, 'utf8'))) === wanted) return false;
	try {
		await mkdir(dirname(file), {recursive: true});
		await writeFileAtomic(file, wanted);
		return true;
	} catch (error) {
		if (isSealError(error) || (error as NodeJS.ErrnoException).code !== undefined) return false;
		throw error;
	}
}

/** True when there was such a file. */
export async function notAtBoot(root: string): Promise<boolean> {
	const file = join(root, loadFile);
	if ((await ifExists(() => readFile(file, 'utf8'))) === undefined) return false;
	await rm(file, {force: true});
	return true;
}

async function run(
	tool: string,
	args: readonly string[],
	signal: AbortSignal | undefined,
): Promise<{readonly code: string | number | undefined; readonly said: string}> {
	return new Promise(resolve => {
		execFile(tool, [...args], {timeout: 20_000, env: {}, maxBuffer: 64 * 1024, signal}, (error, _, stderr) => {
			const said = stderr
				.replace(/[^\x20-\x7e]+/g, ' ')
				.trim()
				.slice(0, 300);
			resolve({code: error === null ? undefined : (error.code ?? 'killed'), said: said || (error?.message ?? '')});
		});
	});
}
