import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import {type MirrorConfig, parseMirrorConfig} from '../../mirror/config.js';
import {commandFailed, exec} from '../../transport/exec.js';
import type {Transport} from '../../transport/transport.js';
import {maxFiles, script} from './script.js';

export interface ObserveOptions extends Abortable {
	/** A folder that stands for `/`: the disk of a machine that does not run yet. */
	readonly root?: string | undefined;
	/** Default `root`: another user sees few of the files. */
	readonly as?: 'root' | 'login' | undefined;
}

/** What a host has of certificates. No private key is among it. */
export interface ObservedCertificates {
	/** By path: the certificates of a PEM file, as PEM; none when it holds no whole one. */
	readonly files: ReadonlyMap<string, string>;
	/** By path. */
	readonly kubeconfigs: ReadonlyMap<string, ObservedKubeconfig>;
	/** The components that run here, and those of their flags that matter. A kubelet's are fields of its configuration. */
	readonly components: ReadonlyMap<string, ReadonlyMap<string, string>>;
	readonly registry: MirrorConfig | undefined;
}

export interface ObservedKubeconfig {
	readonly server: string | undefined;
	readonly authorityPem: string | undefined;
	readonly certPem: string | undefined;
	/** A file that holds the client's certificate. */
	readonly certPath: string | undefined;
}

/**
 * Looks at a host in one round trip, as root.
 * @throws HostError ERR_PKI_HOST, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function observeCertificates(
	transport: Transport,
	options: ObserveOptions = {},
): Promise<ObservedCertificates> {
	const {root = '', ...abortable} = options;
	const argv = ['sh', '-c', script, 'sealimage-certs', root];
	const result = await exec(transport, argv, {...abortable, timeoutMs: 60_000, maxOutputBytes: 8 * 1024 * 1024});
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	try {
		return parseObserved(result.stdout.toString('latin1'));
	} catch (error) {
		throw new HostError(
			transport.host,
			'ERR_PKI_HOST',
			'What the host tells of its certificates cannot be understood',
			{hint: 'Check that its login shell writes nothing of its own.', cause: error},
		);
	}
}

/** @throws Error when a line makes no sense, or the end is missing */
export function parseObserved(text: string): ObservedCertificates {
	const lines = text.split('\n');
	if (lines.at(-2) !== 'end') throw new Error('The end is missing');
	if (lines.length > 2 * maxFiles) throw new Error('There are too many lines');
	const files = new Map<string, string>();
	const kubeconfigs = new Map<string, ObservedKubeconfig>();
	const components = new Map<string, Map<string, string>>();
	let registry: MirrorConfig | undefined;
	for (const line of lines.slice(0, -2)) {
		const [word, name = '', value = ''] = line.split(' ');
		if (!/^[\w./@:+-]{1,300}$/.test(name)) throw new Error('A name has strange characters');
		if (word === 'pem') files.set(name, decode(value));
		else if (word === 'conf') kubeconfigs.set(name, parseLines(decode(value)));
		else if (word === 'component') components.set(name, new Map());
		else if (word === 'flag') components.get(name)?.set(...splitFlag(value));
		else if (word === 'registry') registry = tryRegistry(decode(value));
		else throw new Error('A line begins with a strange word');
	}
	return {files, kubeconfigs, components, registry};
}

/** `--secure-port=6443` */
function splitFlag(text: string): [string, string] {
	const [, name = '', value = ''] = /^-*([A-Za-z-]{1,40})=([\x21-\x7e]{1,400})$/.exec(text) ?? [];
	if (name === '') throw new Error('A flag has no name');
	return [name, value];
}

function parseLines(text: string): ObservedKubeconfig {
	const fields = new Map<string, string>();
	for (const line of text.split('\n')) {
		const [, name, value] = /^[ -]*([a-z-]+): +"?([^"\s]+)"?\s*$/.exec(line) ?? [];
		if (name !== undefined && value !== undefined) fields.set(name, value);
	}
	const pem = (name: string): string | undefined => {
		const data = fields.get(name);
		return data === undefined ? undefined : Buffer.from(data, 'base64').toString('latin1');
	};
	return {
		server: fields.get('server'),
		authorityPem: pem('certificate-authority-data'),
		certPem: pem('client-certificate-data'),
		certPath: fields.get('client-certificate'),
	};
}

function tryRegistry(text: string): MirrorConfig | undefined {
	try {
		return parseMirrorConfig(text, 'registry.json');
	} catch {
		// `registry status` says what is wrong with it.
		return undefined;
	}
}

function decode(base64: string): string {
	if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new Error('It is no base64');
	return Buffer.from(base64, 'base64').toString('latin1');
}
