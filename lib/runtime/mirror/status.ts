import {HostError} from '../host/error.js';
import type {ServiceOptions} from '../service/apply.js';
import {commandFailed, exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {parseMirrorConfig} from './config.js';
import {containerdProblem} from './containerd.js';
import {observeMirror} from './observe.js';
import {places} from './places.js';
import type {MirrorHealth, Probe} from './probe.js';

/** How the registry of a host is. */
export interface MirrorStatus {
	/** `serves`: gives what it has to others. `mirrors`: for this host alone. `none`: not installed. */
	readonly part: 'serves' | 'mirrors' | 'none';
	/** What systemd says of the service: `active`, `failed`, ... */
	readonly service: string;
	readonly health?: MirrorHealth | undefined;
	/** Why containerd does not ask it; undefined when it does, or is not there. */
	readonly containerd?: string | undefined;
}

/**
 * Asks a host for its registry, and the registry for those that it depends on.
 * @throws HostError ERR_MIRROR_STATE, and what `exec` throws
 */
export async function mirrorStatus(transport: Transport, options: ServiceOptions = {}): Promise<MirrorStatus> {
	const state = await observeMirror(transport, options);
	const text = state.files.get(places.config)?.content;
	if (text === undefined) return {part: 'none', service: state.active};
	const config = parseMirrorConfig(text, places.config);
	const part = config.network === undefined ? 'mirrors' : 'serves';
	const health = state.hasAgent ? await askHealth(transport, options) : undefined;
	const containerd = containerdProblem(state.containerd?.dump);
	return {part, service: state.active, health, containerd};
}

async function askHealth(transport: Transport, {root = '', signal}: ServiceOptions): Promise<MirrorHealth> {
	const argv = [`${root}${places.agent}`, 'registry', '--config', `${root}${places.config}`, '--check'];
	const result = await exec(transport, argv, {signal, timeoutMs: 60_000, maxOutputBytes: 256 * 1024});
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	try {
		const {loopback, upstreams} = JSON.parse(result.stdout.toString('utf8')) as Record<string, unknown>;
		if (!Array.isArray(upstreams)) throw new Error('There is no list of upstreams');
		return {loopback: readProbe(loopback), upstreams: upstreams.map(readProbe)};
	} catch (error) {
		throw new HostError(transport.host, 'ERR_MIRROR_STATE', 'What the registry tells of itself cannot be understood', {
			hint: 'Install the agent of this version of sealimage with "sealimage agent install".',
			cause: error,
		});
	}
}

function readProbe(value: unknown): Probe {
	const {url, ok, why} = value as Record<string, unknown>;
	if (typeof url !== 'string' || typeof ok !== 'boolean') throw new Error('It is no probe');
	return {url: visible(url), ok, ...(typeof why === 'string' ? {why: visible(why)} : {})};
}

/** It goes to a terminal. */
function visible(text: string): string {
	return text.slice(0, 500).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
