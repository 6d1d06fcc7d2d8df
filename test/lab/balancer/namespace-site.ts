import {type ChildProcess, type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {eachLine} from './lines.js';
import {type Place, type Program, type ServerName, type Site, serverNames} from './site.js';

const networks = {
	'4': {virtual: '10.103.97.2', node: '10.9.0.1', servers: {a: '10.9.0.2', b: '10.9.0.3', c: '10.9.0.4'}, bits: 24},
	'6': {virtual: 'fd00:97::2', node: 'fd09::1', servers: {a: 'fd09::2', b: 'fd09::3', c: 'fd09::4'}, bits: 64},
} as const;

/** Ahead of all else on the machine: a probe that waits a second for a processor finds a server dead that is well. */
const priority = -20;
/** How long systemd waits before it starts the balancer again. */
const restartMs = 1000;

/** A service: started again when it dies. */
interface Service {
	child: ChildProcess;
	isWanted: boolean;
	readonly ended: () => Promise<void>;
}

/** The node with a bridge and three servers, each in a network namespace of this machine, with the balancer on nftables. Needs root. */
export function namespaceSite(version: '4' | '6'): Site {
	const {virtual, node, servers, bits} = networks[version];
	const home = mkdtempSync(join(tmpdir(), 'sealimage-scene-'));
	const namespaceOf = (place: Place): string => `lbs${process.pid}v${version}${place}`;
	const folder = (place: Place): string => join(home, place);
	const services = new Map<string, Service>();
	const run = (place: Place, line: string, input = ''): string => inNamespace(namespaceOf(place), line, input);
	const stop = (place: Place, program: Program): void => {
		const service = services.get(`${place} ${program}`);
		if (service === undefined) return;
		service.isWanted = false;
		service.child.kill('SIGKILL');
	};
	const addServer = (name: ServerName): void => {
		shell(`ip netns add ${namespaceOf(name)}`);
		run(name, 'ip link set lo up');
		shell(`ip -n ${namespaceOf('node')} link add v${name} type veth peer name eth0 netns ${namespaceOf(name)}`);
		run(name, `ip link set eth0 up; ip addr add ${servers[name]}/${bits} dev eth0 nodad`);
		run('node', `ip link set v${name} up master br0`);
	};
	for (const place of ['node', ...serverNames] as const) mkdirSync(folder(place));
	shell(`ip netns add ${namespaceOf('node')}`);
	run(
		'node',
		`ip link set lo up; ip link add br0 type bridge; ip link set br0 up; ip addr add ${node}/${bits} dev br0 nodad`,
	);
	for (const name of serverNames) addServer(name);

	return {
		...{form: 'nftables', virtual, addresses: servers, folder, run, stop},
		start(place, program, args, onLine = () => {}) {
			const service: Service = {
				...{child: launch(), isWanted: true},
				ended: () =>
					new Promise(resolve => (hasEnded(service.child) ? resolve() : service.child.once('exit', () => resolve()))),
			};
			services.set(`${place} ${program}`, service);
			function launch(): ChildProcess {
				const file = join(process.cwd(), '.build/test/lab/balancer/on-host', `${program}.js`);
				const verb = program === 'daemon' ? ['run'] : [];
				const argv = ['ip', 'netns', 'exec', namespaceOf(place), process.execPath, file, ...verb, ...args];
				const child = spawn('nice', ['-n', String(priority), ...argv], {stdio: ['ignore', 'pipe', 'inherit']});
				if (child.stdout !== null) eachLine(child.stdout, onLine);
				child.once('exit', () => {
					setTimeout(() => {
						if (service.isWanted) service.child = launch();
					}, restartMs);
				});
				return child;
			}
		},
		signal: (place, program, signal) => void services.get(`${place} ${program}`)?.child.kill(signal),
		pid: (place, program) => services.get(`${place} ${program}`)?.child.pid ?? 0,
		async upgrade() {
			const service = services.get('node daemon');
			service?.child.kill('SIGTERM');
			await service?.ended();
		},
		cutPower(name) {
			run('node', `ip link delete v${name}`);
			stop(name, 'server');
			// Its connections go with the namespace: they would say goodbye when the cable is in again.
			shell(`ip netns del ${namespaceOf(name)}`);
		},
		async restorePower(name) {
			addServer(name);
		},
		cable: (name, state) => void run('node', `ip link set v${name} ${state === 'in' ? 'master br0' : 'nomaster'}`),
		flush: () => Number(run('node', 'date +%s%3N; nft flush ruleset')),
		fill(count) {
			run('node', 'nft -f -', `table ip others\ndelete table ip others\n${count === 0 ? '' : othersTable(count)}`);
		},
		others: () => run('node', 'nft list table ip others'),
		async close() {
			for (const service of services.values()) {
				service.isWanted = false;
				service.child.kill('SIGKILL');
			}
			await Promise.all([...services.values()].map(({ended}) => ended()));
			for (const place of ['node', ...serverNames] as const)
				shell(`ip netns del ${namespaceOf(place)} 2>/dev/null || true`);
			rmSync(home, {recursive: true, force: true});
		},
	};
}

/** As kube-proxy writes its services. */
function othersTable(count: number): string {
	const services = Array.from({length: count}, (_, i) => `10.96.${i >> 8}.${i & 255} . tcp . 80 : goto none`);
	return `table ip others {
		chain none { }
		map services {
			type ipv4_addr . inet_proto . inet_service : verdict
			elements = { ${services.join(', ')} }
		}
	}
	`;
}

function hasEnded(child: ChildProcess): boolean {
	return child.exitCode !== null || child.signalCode !== null;
}

function shell(line: string): string {
	return execFileSync('sh', ['-ec', line], options(''));
}

function inNamespace(namespace: string, line: string, input: string): string {
	return execFileSync('ip', ['netns', 'exec', namespace, 'sh', '-ec', line], options(input));
}

function options(input: string): ExecFileSyncOptionsWithStringEncoding {
	return {
		...{encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 64 << 20},
		...{timeout: 60_000, killSignal: 'SIGKILL'},
		// npm puts a tool named nft, of another kind, in front.
		env: {PATH: '/usr/sbin:/usr/bin:/sbin:/bin'},
	};
}
