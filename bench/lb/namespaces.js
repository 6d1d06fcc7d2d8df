import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';

const names = ['sealimage-bench-a', 'sealimage-bench-b'];
/** Where the node is, and where its members are. */
export const addresses = {node: '10.79.0.1', servers: '10.79.0.2'};

/** Two networks of this machine, joined by a cable: a node and its servers on the same kernel and processors. */
export function openNamespaces() {
	closeNamespaces();
	const [a, b] = names;
	for (const name of names) {
		run('ip', 'netns', 'add', name);
		run('ip', '-n', name, 'link', 'set', 'lo', 'up');
	}
	run('ip', '-n', a, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b);
	run('ip', '-n', a, 'address', 'add', `${addresses.node}/24`, 'dev', 'eth0');
	run('ip', '-n', b, 'address', 'add', `${addresses.servers}/24`, 'dev', 'eth0');
	run('ip', '-n', a, 'link', 'set', 'eth0', 'up');
	run('ip', '-n', b, 'link', 'set', 'eth0', 'up');
}

export function closeNamespaces() {
	for (const name of names) {
		try {
			execFileSync('ip', ['netns', 'delete', name], {stdio: 'ignore'});
		} catch {
			// It was not there.
		}
	}
}

/** Starts a program where the node is, or where the servers are; `stop` ends it. */
export function startInside(place, argv, {env = process.env} = {}) {
	const name = names[place === 'node' ? 0 : 1];
	const child = spawn('ip', ['netns', 'exec', name, ...argv], {env, stdio: ['ignore', 'pipe', 'pipe']});
	let messages = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', chunk => (messages = (messages + chunk).slice(-200_000)));
	return {
		// "ip netns exec" becomes the program.
		pid: child.pid,
		messages: () => messages,
		async stop() {
			if (child.exitCode !== null || child.signalCode !== null) return;
			child.kill('SIGTERM');
			const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
			await once(child, 'exit');
			clearTimeout(timer);
		},
	};
}

function run(program, ...args) {
	execFileSync(program, args, {stdio: ['ignore', 'ignore', 'pipe']});
}
