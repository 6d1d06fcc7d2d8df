import {createHash} from 'node:crypto';
import {isIP} from 'node:net';
import {hasCode, isSealError, SealError} from '../../core/errors.js';
import {Secret} from '../../core/secret.js';
import {bracketed} from '../host/address.js';
import {HostError} from '../host/error.js';
import {canonicalName} from '../pki/alternative-names.js';
import {type Circumstances, issueLeaf, type KeyPair} from '../pki/authority.js';
import {leafProblem} from '../pki/judge.js';
import type {HostFinding} from '../preflight/finding.js';
import {type MirrorStep, textOf, type WrittenFile} from './apply.js';
import {formatMirrorConfig, type MirrorConfig} from './config.js';
import {mirrorFindings} from './findings.js';
import {withMirror} from './hosts-toml.js';
import type {MirrorState} from './observe.js';
import {defaultRegistryPort, places} from './places.js';
import {type MirrorShared, shareAmong} from './shared.js';
import {mirrorUnit} from './unit.js';

/** A host that gets a registry. */
export interface MirrorHost {
	readonly name: string;
	/** How the operator reaches it. */
	readonly address: string;
	/** Masters give their content to all others; the registries of other hosts are for themselves. */
	readonly isMaster: boolean;
	readonly state: MirrorState;
}

export interface MirrorPlanOptions extends Circumstances {
	/** On loopback of every host and on the address of masters. Default 5443. */
	readonly port?: number | undefined;
	/** Under which address the others reach a master, by its name; default: the one that the operator uses, if it is the host's own. */
	readonly addresses?: ReadonlyMap<string, string> | undefined;
}

/** What would change on each host; hosts with no steps are as they should be. */
export interface MirrorPlan {
	readonly hosts: readonly PlannedHost[];
	readonly findings: readonly HostFinding[];
}

export interface PlannedHost {
	readonly host: string;
	readonly steps: readonly MirrorStep[];
	/** Why nothing can be done on this host. */
	readonly error?: unknown;
}

/**
 * Compares what hosts have with what they should have. Touches no host; makes keys and certificates where they are missing.
 * A host that lacks what it takes (ERR_AGENT_MISSING, ERR_MIRROR_INSTALL, ERR_CONTAINERD_HOSTS) stops no other.
 * @throws SealError ERR_MIRROR_CONFLICT, ERR_HOSTS_MISSING without a master; HostError ERR_MIRROR_INSTALL for a master without an address
 */
export async function planMirror(hosts: readonly MirrorHost[], options: MirrorPlanOptions = {}): Promise<MirrorPlan> {
	const masters = hosts.filter(({isMaster}) => isMaster);
	if (masters.length === 0) {
		throw new SealError('ERR_HOSTS_MISSING', 'No host has the role master', {
			hint: 'Name the masters with --masters, or with a Clusterfile: they hold what the others ask for.',
		});
	}
	const shared = await shareAmong(masters, options);
	const port = options.port ?? defaultRegistryPort;
	const urls = new Map(masters.map(host => [host.name, `https://${bracketed(addressOf(host, options))}:${port}`]));
	const plans = await Promise.all(
		hosts.map(async (host): Promise<PlannedHost> => {
			try {
				checkHost(host);
				return {host: host.name, steps: stepsFor(host, await wantedFiles(host, {shared, urls, port, options}))};
			} catch (error) {
				if (isSealError(error)) return {host: host.name, steps: [], error};
				throw error;
			}
		}),
	);
	return {hosts: plans, findings: hosts.flatMap(({name, state}) => mirrorFindings(name, state))};
}

function checkHost({name, state}: MirrorHost): void {
	if (!state.hasSystemd) {
		throw new HostError(name, 'ERR_MIRROR_INSTALL', 'The host is not run by systemd', {
			hint: 'Leave this host out: the registry is a service of systemd.',
		});
	}
	if (!state.hasAgent) {
		throw new HostError(name, 'ERR_AGENT_MISSING', `There is no ${places.agent}`, {
			hint: `Install the agent with "sealimage agent install ${name}".`,
		});
	}
}

/** Behind a jump host or a forwarded port the operator's address is not the host's. */
function addressOf(host: MirrorHost, {addresses}: MirrorPlanOptions): string {
	const {name, address, state} = host;
	const chosen = addresses?.get(name);
	if (chosen !== undefined) return canonicalName(chosen);
	if (isIP(address) !== 0 && state.addresses.includes(address)) return address;
	const [first] = state.addresses.filter(one => isIP(one) !== 0);
	if (first !== undefined) return first;
	throw new HostError(name, 'ERR_MIRROR_INSTALL', 'The host has no address that others could reach', {
		hint: `Say which one with --address ${name}=ADDRESS.`,
	});
}

interface Surroundings {
	readonly shared: MirrorShared;
	/** Of the masters, by name. */
	readonly urls: ReadonlyMap<string, string>;
	readonly port: number;
	readonly options: MirrorPlanOptions;
}

type WantedFiles = ReadonlyMap<string, WrittenFile>;

async function wantedFiles(host: MirrorHost, around: Surroundings): Promise<WantedFiles> {
	const {shared, urls, port} = around;
	const {name, state} = host;
	const files = new Map<string, WrittenFile>();
	const put = (path: string, content: string): void => void files.set(path, {mode: '644', content});
	const hide = (path: string, content: Secret): void => void files.set(path, {mode: '600', content});
	put(places.authority, shared.authority.certPem);
	hide(places.login, shared.login);
	if (host.isMaster) {
		const leaf = await leafOf(host, around);
		hide(places.authorityKey, shared.authority.keyPem);
		put(places.certificate, leaf.certPem);
		hide(places.key, leaf.keyPem);
		hide(places.htpasswd, new Secret(shared.htpasswd));
	}
	const upstreams = inTurn(
		[...urls].filter(([master]) => master !== name).map(([, url]) => url),
		name,
	);
	put(places.config, formatMirrorConfig(configOf(host, upstreams, around)));
	put(places.unit, mirrorUnit);
	put(places.hostsToml, hostsToml(name, state, port));
	return files;
}

/** Hosts begin at different masters, each always at the same. */
function inTurn(urls: readonly string[], name: string): readonly string[] {
	if (urls.length === 0) return urls;
	const start = createHash('sha256').update(name).digest().readUInt32BE() % urls.length;
	return [...urls.slice(start), ...urls.slice(0, start)];
}

function configOf(host: MirrorHost, upstreams: readonly string[], {port, options}: Surroundings): MirrorConfig {
	const reach = upstreams.length === 0 ? {} : {authority: places.authority, login: places.login};
	const network = {
		address: host.isMaster ? addressOf(host, options) : '',
		port,
		certificate: places.certificate,
		key: places.key,
		htpasswd: places.htpasswd,
	};
	return {
		version: 1,
		root: places.content,
		port,
		...(host.isMaster ? {network} : {}),
		upstreams,
		prefer: host.isMaster ? 'local' : 'upstream',
		...reach,
	};
}

/** The certificate that is there, as long as it does. */
async function leafOf(host: MirrorHost, {shared, options}: Surroundings): Promise<KeyPair> {
	const {name, state} = host;
	const alternativeNames = [addressOf(host, options), ...namesOf(host), 'localhost', '127.0.0.1'];
	const certPem = state.files.get(places.certificate)?.content;
	const key = state.files.get(places.key)?.content;
	const {now = new Date()} = options;
	if (certPem !== undefined && key !== undefined) {
		const there = {certPem, keyPem: new Secret(key)};
		if (leafProblem(there, {authorityPem: shared.authority.certPem, alternativeNames, now}) === undefined) return there;
	}
	const subject = {commonName: name.slice(0, 200), organizations: ['sealimage']};
	return await issueLeaf(shared.authority, {...options, now, subject, purposes: ['server'], alternativeNames});
}

function namesOf({name, state}: MirrorHost): readonly string[] {
	return [name, state.hostname].filter(candidate => {
		try {
			return canonicalName(candidate) !== '';
		} catch {
			return false;
		}
	});
}

function hostsToml(name: string, {files}: MirrorState, port: number): string {
	const there = files.get(places.hostsToml);
	const refuse = (message: string, cause?: unknown): HostError =>
		new HostError(name, 'ERR_CONTAINERD_HOSTS', message, {
			hint: 'Mend the file, or move it away, and run the command again.',
			cause,
		});
	if (there !== undefined && there.content === undefined) {
		throw refuse(`${places.hostsToml} is a link, or too long to be changed`);
	}
	try {
		return withMirror(there?.content ?? '', port, places.hostsToml);
	} catch (error) {
		throw hasCode(error, 'ERR_CONTAINERD_HOSTS') ? refuse((error as Error).message, error) : error;
	}
}

/** Files that only masters have go when a host is none any more. containerd is pointed at the registry when that runs. */
function stepsFor({state}: MirrorHost, wanted: WantedFiles): readonly MirrorStep[] {
	const isDifferent = (path: string): boolean => {
		const there = state.files.get(path);
		const file = wanted.get(path);
		if (file === undefined) return false;
		return there?.content !== textOf(file) || (there.mode !== file.mode && path !== places.hostsToml);
	};
	const write = (path: string): MirrorStep[] => {
		const file = wanted.get(path);
		return file !== undefined && isDifferent(path) ? [{do: 'write', path, ...file}] : [];
	};
	const steps: MirrorStep[] = [...wanted.keys()].filter(path => path !== places.hostsToml).flatMap(write);
	const masterFiles = [places.authorityKey, places.certificate, places.key, places.htpasswd];
	for (const path of masterFiles) if (state.files.has(path) && !wanted.has(path)) steps.push({do: 'remove', path});
	const isRestarted = steps.length > 0 || state.active !== 'active' || state.isStale;
	if (isDifferent(places.unit)) steps.push({do: 'systemd', verb: 'daemon-reload'});
	if (state.enabled !== 'enabled') steps.push({do: 'systemd', verb: 'enable'});
	if (isRestarted) steps.push({do: 'systemd', verb: 'restart'});
	return [...steps, ...write(places.hostsToml)];
}
