import {chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {createLocalTransport} from '../../lib/runtime/transport/local/local.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {tempDir} from './temp-dir.js';

/** A folder in which scripts for hosts run as they are, with their paths led there and the programs of the host played by shell scripts. */
export interface RootedHost {
	readonly root: string;
	readonly transport: Transport;
	/** Plays a program; `$ROOT` is the folder. */
	tool(name: string, script: string): void;
	read(path: string): string | undefined;
	write(path: string, content: string): void;
	remove(path: string): void;
}

const led = /\/(?:etc\/kubernetes|var\/lib\/(?:kubelet|sealimage|etcd)|var\/log\/pods)\b/g;

export function rootedHost(t: ExecutionContext, name = 'm1', shell = 'sh'): RootedHost {
	const dir = tempDir(t);
	const [root, tools] = [join(dir, 'root'), join(dir, 'tools')];
	const put = (path: string, content: string, mode = 0o644): void => {
		mkdirSync(dirname(path), {recursive: true});
		writeFileSync(path, content);
		chmodSync(path, mode);
	};
	for (const folder of ['etc/kubernetes', 'var/lib/kubelet']) mkdirSync(join(root, folder), {recursive: true});
	mkdirSync(tools);
	const local = createLocalTransport({host: name});
	t.teardown(() => local.close());
	const lead = (word: string): string => word.replaceAll(led, path => `${root}${path}`);
	return {
		root,
		transport: {
			...local,
			host: name,
			spawn([program = '', ...words], options) {
				const argv = [program === 'sh' ? shell : program, ...words.map(lead)];
				const env = {PATH: `${tools}:${process.env.PATH}`, ROOT: root};
				return local.spawn(argv, {...options, as: 'login', env});
			},
		},
		tool: (tool, script) => put(join(tools, tool), `#!/bin/sh\n${script}\n`, 0o755),
		read: path => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined),
		write: (path, content) => put(join(root, path), content),
		remove: path => rmSync(join(root, path), {recursive: true, force: true}),
	};
}
