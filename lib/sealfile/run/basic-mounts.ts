import {chmod, mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {type ImageTree, resolvePath} from '../../oci/tree/tree.js';
import {type RunCommand, scriptFolder} from '../evaluate/run-command.js';
import type {PreparedMount} from './mounts.js';

/**
 * Files that every container gets and no layer: the names of hosts, the name servers of this machine, and the script of a
 * heredoc. What a command writes to them is dropped with `scratchDir`.
 */
export async function basicMounts(
	tree: ImageTree,
	scratchDir: string,
	script: RunCommand['script'],
): Promise<readonly PreparedMount[]> {
	const nameServers = await readFile('/etc/resolv.conf').catch(() => Buffer.alloc(0));
	const mounts = [
		await fileMount(tree, join(scratchDir, 'resolv.conf'), '/etc/resolv.conf', nameServers),
		await fileMount(tree, join(scratchDir, 'hosts'), '/etc/hosts', hosts),
	];
	return script === undefined ? mounts : [...mounts, await scriptMount(join(scratchDir, 'pipes'), script)];
}

const hosts = '127.0.0.1\tlocalhost sealimage\n::1\tlocalhost ip6-localhost ip6-loopback\n';

async function fileMount(
	tree: ImageTree,
	source: string,
	destination: string,
	bytes: Uint8Array | string,
): Promise<PreparedMount> {
	await writeFile(source, bytes);
	// The umask is the caller's; the file is for any user of the image.
	await chmod(source, 0o644);
	const path = resolvePath(tree, destination);
	const mount = {destination: `/${path}`, type: 'bind', source, options: ['bind', 'rw', 'nosuid', 'nodev']};
	return {mount, target: {path, kind: 'file'}};
}

async function scriptMount(source: string, script: NonNullable<RunCommand['script']>): Promise<PreparedMount> {
	const file = join(source, script.path.slice(scriptFolder.length + 1));
	await mkdir(source);
	await writeFile(file, script.body);
	for (const path of [source, file]) await chmod(path, 0o755);
	const mount = {destination: scriptFolder, type: 'bind', source, options: ['bind', 'ro', 'nosuid', 'nodev']};
	return {mount, target: {path: scriptFolder.slice(1), kind: 'folder'}};
}
