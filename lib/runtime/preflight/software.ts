import type {HostFacts, PortFacts} from '../facts/facts.js';
import {type HostCheck, listing, seen} from './check.js';

/** Is what is needed there, and what would be in the way not? */
export const softwareChecks: readonly HostCheck[] = [
	{
		id: 'command-missing',
		severity: 'error',
		why: 'Setting up the host calls these programs.',
		mend: 'Install the packages that hold them (iproute2, iptables, kmod, util-linux) from the distribution.',
		look: ({software}, {commands = []}) => {
			const missing = commands.filter(name => software.commands[name] === undefined);
			return seen(missing.length > 0, () => `${listing(missing)} ${missing.length === 1 ? 'is' : 'are'} not installed`);
		},
	},
	{
		id: 'port-taken',
		severity: 'error',
		why: 'A service that cannot listen does not start.',
		mend: 'Stop what listens there, or give it another port.',
		look: (facts, {ports = []}) =>
			ports.flatMap(({protocol, port, use}) => {
				const holders = facts.ports.filter(found => found.protocol === protocol && found.port === port);
				return seen(holders.length > 0, () => ({
					what: `Port ${port}/${protocol}, for ${use}, is taken`,
					detail: holder(holders),
				}));
			}),
	},
	{
		id: 'service-running',
		severity: 'error',
		why: 'The host belongs to a cluster already, and would be torn out of it.',
		mend: 'Remove the host from its cluster and stop the service, or leave the host out.',
		look: ({software}, {stopped = []}) => {
			const running = stopped.filter(name => software.services.includes(name));
			return seen(running.length > 0, () => `${listing(running)} ${running.length === 1 ? 'runs' : 'run'}`);
		},
	},
	{
		id: 'left-over',
		severity: 'error',
		why: 'Setting up the host does not overwrite what another installation has left.',
		mend: 'Reset the earlier installation, or save and remove these files.',
		look: ({software}, {absent = []}) => {
			const there = absent.filter(path => software.present.includes(path));
			return seen(there.length > 0, () => `${listing(there)} ${there.length === 1 ? 'is' : 'are'} there already`);
		},
	},
	{
		id: 'runtime-running',
		severity: 'warning',
		why: 'Two container runtimes on one host take each other for strangers, and their files for their own.',
		mend: 'Remove the runtime that is there if nothing else uses it.',
		look: ({software}) => {
			const running = Object.keys(runtimes).filter(name => software.services.includes(`${name}.service`));
			return seen(running.length > 0, () => ({
				what: `${listing(running)} ${running.length === 1 ? 'runs' : 'run'} already`,
				detail: running.map(name => described(name, software)).join(', '),
			}));
		},
	},
];

/** Services of container runtimes, and the programs that know their versions. */
const runtimes: Readonly<Record<string, string>> = {containerd: 'containerd', crio: 'crio', docker: 'dockerd'};

function described(name: string, {versions}: HostFacts['software']): string {
	const version = versions[runtimes[name]!];
	return `${name} ${version ?? 'of unknown version'}`;
}

/** `sshd of ssh.service`; where the process is another user's, no more than the user. */
function holder(ports: readonly PortFacts[]): string {
	const {process, pid, unit, uid} = ports.find(port => port.process !== undefined) ?? ports[0]!;
	if (process !== undefined)
		return unit === undefined ? `${process}, process ${pid ?? 'unknown'}` : `${process} of ${unit}`;
	return uid === undefined ? 'by whom is unknown' : `a process of user ${uid}`;
}
