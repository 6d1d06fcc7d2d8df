import {createHash} from 'node:crypto';
import {hasCode} from '../../core/errors.js';
import {Secret} from '../../core/secret.js';
import {HostError} from '../host/error.js';
import {canonicalName} from '../pki/alternative-names.js';
import {issueLeaf, type KeyPair} from '../pki/authority.js';
import {leafProblem} from '../pki/judge.js';
import {type ServiceStep, textOf, type WrittenFile} from '../service/apply.js';
import {formatMirrorConfig, type MirrorConfig} from './config.js';
import {withMirror} from './hosts-toml.js';
import type {MirrorState} from './observe.js';
import {places} from './places.js';
import {addressOf, type MirrorHost, type MirrorSetting} from './setting.js';
import {mirrorUnit} from './unit.js';

/**
 * What has to change on a host; nothing when it is as it should be. Touches no host; makes a certificate where it is missing.
 * @throws HostError ERR_AGENT_MISSING, ERR_MIRROR_INSTALL without systemd, ERR_CONTAINERD_HOSTS
 */
export async function planHost(host: MirrorHost, setting: MirrorSetting): Promise<readonly ServiceStep[]> {
	const {name, state} = host;
	if (!state.hasSystemd) {
		throw new HostError(name, 'ERR_MIRROR_INSTALL', 'The host is not run by systemd', {
			hint: 'Leave this host out: the registry is a service of systemd.',
		});
	}
	if (!state.hasAgent && setting.options.agentComes !== true) {
		throw new HostError(name, 'ERR_AGENT_MISSING', `There is no ${places.agent}`, {
			hint: `Install the agent with "sealimage agent install ${name}".`,
		});
	}
	return stepsFor(host, await wantedFiles(host, setting));
}

type WantedFiles = ReadonlyMap<string, WrittenFile>;

async function wantedFiles(host: MirrorHost, setting: MirrorSetting): Promise<WantedFiles> {
	const {shared, urls, port} = setting;
	const {name, state} = host;
	const files = new Map<string, WrittenFile>();
	const put = (path: string, content: string): void => void files.set(path, {mode: '644', content});
	const hide = (path: string, content: Secret): void => void files.set(path, {mode: '600', content});
	put(places.authority, shared.authority.certPem);
	hide(places.login, shared.login);
	if (host.isMaster) {
		const leaf = await leafOf(host, setting);
		hide(places.authorityKey, shared.authority.keyPem);
		put(places.certificate, leaf.certPem);
		hide(places.key, leaf.keyPem);
		hide(places.htpasswd, new Secret(shared.htpasswd));
	}
	const upstreams = inTurn(
		[...urls].filter(([master]) => master !== name).map(([, url]) => url),
		name,
	);
	put(places.config, formatMirrorConfig(configOf(host, upstreams, setting)));
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

function configOf(host: MirrorHost, upstreams: readonly string[], {port, options}: MirrorSetting): MirrorConfig {
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
async function leafOf(host: MirrorHost, {shared, options}: MirrorSetting): Promise<KeyPair> {
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
function stepsFor({state}: MirrorHost, wanted: WantedFiles): readonly ServiceStep[] {
	const isDifferent = (path: string): boolean => {
		const there = state.files.get(path);
		const file = wanted.get(path);
		if (file === undefined) return false;
		return there?.content !== textOf(file) || (there.mode !== file.mode && path !== places.hostsToml);
	};
	const write = (path: string): ServiceStep[] => {
		const file = wanted.get(path);
		return file !== undefined && isDifferent(path) ? [{do: 'write', path, ...file}] : [];
	};
	const steps: ServiceStep[] = [...wanted.keys()].filter(path => path !== places.hostsToml).flatMap(write);
	const masterFiles = [places.authorityKey, places.certificate, places.key, places.htpasswd];
	for (const path of masterFiles) if (state.files.has(path) && !wanted.has(path)) steps.push({do: 'remove', path});
	const isRestarted = steps.length > 0 || state.active !== 'active' || state.isStale;
	if (isDifferent(places.unit)) steps.push({do: 'systemd', verb: 'daemon-reload'});
	if (state.enabled !== 'enabled') steps.push({do: 'systemd', verb: 'enable'});
	if (isRestarted) steps.push({do: 'systemd', verb: 'restart'});
	return [...steps, ...write(places.hostsToml)];
}
