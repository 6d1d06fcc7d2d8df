import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

export const cli = join(import.meta.dirname, '../../dist/bin/sealimage.js');

/** The contestants. `folder` is a stock registry folder, `store` an image store of sealimage with the same images. */
export const servers = {
	'docker-registry': {title: 'docker-registry', argv: dockerRegistry},
	'sealimage-folder': {
		title: 'sealimage serve --root, the same folder',
		argv: ({folder, port}) => sealimage('--root', folder, port),
	},
	'sealimage-store': {
		title: 'sealimage serve --store',
		argv: ({store, port}) => [
			process.execPath,
			cli,
			'--root',
			store,
			'serve',
			'--store',
			'--listen',
			`127.0.0.1:${port}`,
		],
	},
};

function sealimage(flag, folder, port) {
	return [process.execPath, cli, 'serve', flag, folder, '--listen', `127.0.0.1:${port}`];
}

function dockerRegistry({folder, home, port}) {
	const config = join(home, `registry-${port}.yml`);
	const lines = [
		'version: 0.1',
		'log: {level: error, accesslog: {disabled: true}}',
		`storage: {filesystem: {rootdirectory: ${folder}}, delete: {enabled: true}}`,
		`http: {addr: '127.0.0.1:${port}'}`,
	];
	writeFileSync(config, `${lines.join('\n')}\n`);
	return ['docker-registry', 'serve', config];
}

/** Starts a server on a free port and waits until it answers. */
export async function startServer(name, {folder, store, home}) {
	mkdirSync(folder, {recursive: true});
	const port = await freePort();
	const argv = servers[name].argv({folder, store, home, port});
	const child = spawn(argv[0], argv.slice(1), {stdio: ['ignore', 'ignore', 'pipe']});
	let messages = '';
	child.stderr.on('data', chunk => (messages = (messages + chunk).slice(-4000)));
	const host = `127.0.0.1:${port}`;
	for (let tries = 0; ; tries++) {
		if (child.exitCode !== null || tries > 200) throw new Error(`${argv.join(' ')} does not answer:\n${messages}`);
		if (
			await fetch(`http://${host}/v2/`).then(
				answer => answer.ok,
				() => false,
			)
		)
			break;
		await sleep(50);
	}
	return {
		name,
		host,
		pid: child.pid,
		async stop() {
			if (child.exitCode !== null) return;
			child.kill('SIGTERM');
			await once(child, 'exit');
		},
	};
}

async function freePort() {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const {port} = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

/** CPU seconds so far and peak memory since the last reset, of a process and its children. */
export function usage(pid) {
	const total = {cpuSeconds: 0, peakBytes: 0};
	for (const one of family(pid)) {
		const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
			.replace(/^.*\) /s, '')
			.split(' ');
		// Clock ticks of 10 ms (proc_pid_stat(5), fields 14 and 15).
		total.cpuSeconds += (Number(fields[11]) + Number(fields[12])) / 100;
		const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1];
		total.peakBytes += Number(peak ?? 0) * 1024;
	}
	return total;
}

export function resetPeak(pid) {
	// Value 5 sets the peak back to what is resident now (proc_pid_clear_refs(5)).
	for (const one of family(pid)) writeFileSync(`/proc/${one}/clear_refs`, '5');
}

function family(pid) {
	const children = new Map();
	for (const name of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
		try {
			const parent = Number(
				readFileSync(`/proc/${name}/stat`, 'utf8')
					.replace(/^.*\) /s, '')
					.split(' ')[1],
			);
			children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
		} catch {
			// It ended while we looked.
		}
	}
	const all = [pid];
	for (const one of all) all.push(...(children.get(one) ?? []));
	return all;
}
