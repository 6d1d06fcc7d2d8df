import type {Abortable} from '../../core/events.js';
import {type NodeSystem, runOk} from './system.js';

/**
 * Firewalls that can be told, by their own commands, whom to let in; firewalld has one set for now and one for after its next start, ufw
 * one for the host and one for what the host passes on, as it does for its pods. Rules that somebody wrote by hand are not among them.
 */
export type Firewall = 'firewalld' | 'firewalld-later' | 'ufw' | 'ufw-routed';

export interface Trust {
	readonly firewall: Firewall;
	/** An address or a network. */
	readonly source: string;
}

/** What firewalls that are active would have to be told to let all of these in. */
export async function missingTrust(
	wanted: readonly string[],
	system: NodeSystem,
	options: Abortable,
): Promise<readonly Trust[]> {
	if (wanted.length === 0) return [];
	const without = (firewall: Firewall, sources: readonly string[]): readonly Trust[] =>
		wanted.filter(source => !sources.includes(source)).map(source => ({firewall, source}));
	if ((await system.run(['firewall-cmd', '--state'], options)).code === 0) {
		const list = async (...words: readonly string[]): Promise<readonly string[]> => {
			const {stdout} = await system.run(['firewall-cmd', ...words, '--zone=trusted', '--list-sources'], options);
			return stdout.trim().split(/\s+/);
		};
		return [...without('firewalld', await list()), ...without('firewalld-later', await list('--permanent'))];
	}
	const {code, stdout} = await system.run(['ufw', 'status'], options);
	if (code !== 0 || !/^Status: active$/m.test(stdout)) return [];
	// "Anywhere                   ALLOW       10.0.0.1", with "ALLOW FWD" for what is passed on, and perhaps a comment.
	const rules = [...stdout.matchAll(/^Anywhere(?: \(v6\))?\s+ALLOW( FWD| IN)?\s+(\S+)\s*(?:#.*)?$/gm)];
	const sources = (isRouted: boolean): readonly string[] =>
		rules.flatMap(([, what, source = '']) => ((what === ' FWD') === isRouted ? [source] : []));
	return [...without('ufw', sources(false)), ...without('ufw-routed', sources(true))];
}

const names: Readonly<Record<Firewall, string>> = {
	firewalld: 'firewalld',
	'firewalld-later': 'firewalld, also later',
	ufw: 'ufw',
	'ufw-routed': 'ufw, to pods too',
};

/** `let 10.0.0.1 through firewalld`. */
export function titleOfTrust({firewall, source}: Trust): string {
	return `let ${source} through ${names[firewall]}`;
}

/** @throws SealError ERR_NODE_STEP */
export async function trust({firewall, source}: Trust, system: NodeSystem, options: Abortable): Promise<void> {
	await runOk(system, commands[firewall].add(source), titleOfTrust({firewall, source}), options);
}

/** Takes that back; where the firewall is gone there is nothing to take back. @throws SealError ERR_NODE_STEP */
export async function distrust({firewall, source}: Trust, system: NodeSystem, options: Abortable): Promise<void> {
	const isUfw = firewall === 'ufw' || firewall === 'ufw-routed';
	const isStopped = !isUfw && (await system.run(['firewall-cmd', '--state'], options)).code !== 0;
	if (isStopped && firewall === 'firewalld') return;
	const argv = isStopped
		? ['firewall-offline-cmd', '--zone=trusted', `--remove-source=${source}`]
		: commands[firewall].remove(source);
	if ((await system.run([argv[0] ?? '', '--version'], options)).code === 127) return;
	if (!isUfw) {
		// firewalld fails on a source that is in no zone, as one that a reload has forgotten.
		const query = argv.map(word => word.replace('--remove-source=', '--query-source='));
		if ((await system.run(query, options)).code !== 0) return;
	}
	await runOk(system, argv, `take ${source} out of ${firewall}`, options);
}

type Command = (source: string) => readonly string[];

/** Each says only in its output that a rule is there already, and ends with 0; so does ufw of one that is not there. */
const commands: Readonly<Record<Firewall, {readonly add: Command; readonly remove: Command}>> = {
	firewalld: {
		add: source => ['firewall-cmd', '--zone=trusted', `--add-source=${source}`],
		remove: source => ['firewall-cmd', '--zone=trusted', `--remove-source=${source}`],
	},
	'firewalld-later': {
		add: source => ['firewall-cmd', '--permanent', '--zone=trusted', `--add-source=${source}`],
		remove: source => ['firewall-cmd', '--permanent', '--zone=trusted', `--remove-source=${source}`],
	},
	ufw: {
		add: source => ['ufw', 'allow', 'from', source],
		remove: source => ['ufw', 'delete', 'allow', 'from', source],
	},
	'ufw-routed': {
		add: source => ['ufw', 'route', 'allow', 'from', source],
		remove: source => ['ufw', 'route', 'delete', 'allow', 'from', source],
	},
};

/** Of a trust as records have it: `firewalld 10.0.0.1`. */
export function readTrust(entry: string): Trust | undefined {
	const [name, source] = entry.split(' ');
	const firewall = (Object.keys(commands) as readonly Firewall[]).find(known => known === name);
	return firewall === undefined || source === undefined ? undefined : {firewall, source};
}
