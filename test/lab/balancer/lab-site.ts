import {type ChildProcess, spawn} from 'node:child_process';
import {balancerUnit} from '../../../lib/lb/unit.js';
import {bootHosts, cable, crash, describeHost, onHost, removeHost, sshArguments} from '../hosts.js';
import {insideNetwork} from '../network.js';
import {nodeOnHost} from '../node-on-host.js';
import {eachLine} from './lines.js';
import {programFolder, putPrograms} from './programs.js';
import {type Place, type Program, type ServerName, type Site, serverNames} from './site.js';

export const labPlaces: readonly string[] = ['lb-node', 'lb-a', 'lb-b', 'lb-c'];
const hostOf = (place: Place): string => `lb-${place}`;
const home = programFolder;
/** What the unit of the balancer may write to. */
const state = '/var/lib/sealimage/lb';
const unitOf = (program: Program): string => `scene-${program}`;

/** The programs stay on the hosts from one site to the next. */
let hasPrograms = false;

/** Four lab hosts, booted when they do not run yet, with the balancer on IPVS. */
export async function labSite(version: '4' | '6'): Promise<Site> {
	await bootHosts(labPlaces);
	const addresses = Object.fromEntries(
		serverNames.map(name => [name, describeHost(hostOf(name))[version === '4' ? 'address' : 'address6']]),
	) as Record<ServerName, string>;
	if (!hasPrograms) {
		await putPrograms(hostOf('node'), {daemon: '1', traffic: '1', table: '1'}, {withKoffi: true});
		onHost(hostOf('node'), `mkdir -p ${state}`);
		for (const name of serverNames) await putPrograms(hostOf(name), {server: '1'});
		hasPrograms = true;
	}
	const run = (place: Place, line: string, input = ''): string => onHost(hostOf(place), line, input);
	const readers: ChildProcess[] = [];
	const systemctl = (place: Place, verb: string, program: Program): string =>
		run(place, `systemctl ${verb} ${unitOf(program)}`);
	const table = (verb: string): string => run('node', `${nodeOnHost(hostOf('node'))} ${home}/1/table.mjs ${verb}`);
	return {
		...{form: 'ipvs', virtual: version === '4' ? '10.103.97.2' : 'fd00:97::2', addresses, run},
		folder: place => (place === 'node' ? state : home),
		start(place, program, args, onLine) {
			const command = `${nodeOnHost(hostOf(place))} ${home}/1/${program}.mjs`;
			const log = `/run/${unitOf(program)}.log`;
			const own = (program === 'daemon' ? balancerUnit : plainUnit)
				.replace(/^ConditionPathExists=.*\n/m, '')
				.replace(/^ExecStartPre=.*$/m, `ExecStartPre=+${command} prepare ${args.join(' ')}`)
				.replace(
					/^ExecStart=.*$/m,
					`ExecStart=${command} ${program === 'daemon' ? 'run ' : ''}${args.join(' ')}\nStandardOutput=append:${log}`,
				);
			run(
				place,
				`rm -f ${log}; cat > /etc/systemd/system/${unitOf(program)}.service; systemctl daemon-reload; systemctl restart ${unitOf(program)}`,
				own,
			);
			if (onLine === undefined) return;
			const [ip, inside] = insideNetwork(sshArguments(hostOf(place), `tail -n +1 -F ${log} 2>/dev/null`));
			const reader = spawn(ip, inside, {stdio: ['ignore', 'pipe', 'ignore']});
			eachLine(reader.stdout, onLine);
			readers.push(reader);
		},
		signal: (place, program, signal) => void systemctl(place, `kill --signal=${signal}`, program),
		stop: (place, program) => void systemctl(place, 'stop', program),
		pid: (place, program) => Number(systemctl(place, 'show -P MainPID', program)),
		async upgrade() {
			await putPrograms(hostOf('node'), {daemon: '2'});
			run(
				'node',
				`sed -i s,${home}/1/,${home}/2/, /etc/systemd/system/${unitOf('daemon')}.service; systemctl daemon-reload`,
			);
			systemctl('node', 'restart', 'daemon');
		},
		cutPower: name => crash(hostOf(name)),
		restorePower: async name => void (await bootHosts([hostOf(name)])),
		cable: (name, state) => cable(hostOf(name), state),
		flush: () => Number(table('flush')),
		fill: count => void table(`fill ${count}`),
		// Whose port is 80; ours has another.
		others: () => run('node', "grep ':0050 ' /proc/net/ip_vs || true"),
		async close() {
			for (const reader of readers) reader.kill();
			for (const program of ['traffic', 'daemon'] as const) systemctl('node', 'stop', program);
			for (const name of serverNames) systemctl(name, 'stop', 'server');
		},
	};
}

export function removeLabSite(): void {
	for (const name of labPlaces) removeHost(name);
}

const plainUnit = `[Service]
ExecStart=
Restart=always
RestartSec=1
LimitNOFILE=65536
`;
