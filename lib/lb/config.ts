import {readFile} from 'node:fs/promises';
import {SealError} from '../core/errors.js';
import {ifExists, withIo} from '../core/io-error.js';
import {type BalancerSpec, readSpec} from './spec.js';

/** `/etc/sealimage/lb.json`: a spec, and how the balancer of a node runs. Nothing but people and installers writes it. */
export interface BalancerConfig {
	readonly spec: BalancerSpec;
	/** PEM of the authority that members are checked with. */
	readonly authority: string | undefined;
	/** A kubeconfig with which the members are learnt from the cluster. */
	readonly kubeconfig: string | undefined;
	/** Of loopback, where `/metrics` and `/status` are. */
	readonly statusPort: number;
	/** The node's address that its own connections come from. Default: what the kernel would take. */
	readonly nodeAddress: string | undefined;
}

export const configFile = '/etc/sealimage/lb.json';
export const defaultStatusPort = 9754;
/** A spec with a thousand members is a tenth of this. */
const maxBytes = 1024 * 1024;

/**
 * Reads and checks the file, and the authority that it names.
 * @throws SealError ERR_LB_CONFIG when it is no JSON or names an authority that cannot be read; what `readSpec` throws, ERR_IO, ERR_PERMISSION
 */
export async function readConfig(file: string): Promise<BalancerConfig> {
	const settings = await readSettings(file);
	return {...settings, authority: await readAuthority(settings.spec, file)};
}

/**
 * As `readConfig`, without the authority: the cluster, and its authority with it, may be gone already.
 * @throws SealError as `readConfig`
 */
export async function readSettings(file: string): Promise<Omit<BalancerConfig, 'authority'>> {
	const bytes = await withIo('read', file, () => ifExists(() => readFile(file)));
	if (bytes === undefined) {
		throw new SealError('ERR_LB_CONFIG', `There is no file ${file}`, {
			hint: 'Write one, as in {"members": ["10.0.0.1:6443", "10.0.0.2:6443"], "probe": {"caFile": "/etc/kubernetes/pki/ca.crt"}}.',
		});
	}
	const {kubeconfig, statusPort = defaultStatusPort, nodeAddress, ...rest} = parse(bytes, file);
	const isPort =
		typeof statusPort === 'number' && Number.isInteger(statusPort) && statusPort >= 0 && statusPort < 65_536;
	if (!isPort) throw invalid(file, `statusPort is ${JSON.stringify(statusPort)}`, 'Give a port, or 0 for none.');
	if (kubeconfig !== undefined && typeof kubeconfig !== 'string') throw invalid(file, 'kubeconfig is no path');
	if (nodeAddress !== undefined && typeof nodeAddress !== 'string') throw invalid(file, 'nodeAddress is no address');
	const spec = readSpec(rest, `the file ${file}`);
	return {spec, kubeconfig, statusPort, nodeAddress};
}

function parse(bytes: Buffer, file: string): Readonly<Record<string, unknown>> {
	if (bytes.length > maxBytes) throw invalid(file, `it has ${bytes.length} bytes, more than ${maxBytes}`);
	try {
		const value: unknown = JSON.parse(bytes.toString());
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	} catch (error) {
		throw invalid(
			file,
			`it is no JSON: ${(error as Error).message}`,
			'Mend it; a balancer that runs keeps the table that it has.',
			error,
		);
	}
	throw invalid(file, 'it holds no object');
}

async function readAuthority({probe}: BalancerSpec, file: string): Promise<string | undefined> {
	if (probe.caFile === undefined) return undefined;
	const {caFile} = probe;
	const text = await withIo('read', caFile, () => ifExists(() => readFile(caFile, 'latin1')));
	if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text;
	throw invalid(
		file,
		`its caFile ${caFile} ${text === undefined ? 'does not exist' : 'holds no certificate'}`,
		"Name the cluster's authority, usually /etc/kubernetes/pki/ca.crt.",
	);
}

function invalid(file: string, why: string, hint?: string, cause?: unknown): SealError {
	return new SealError('ERR_LB_CONFIG', `The file ${file} cannot be used: ${why}`, {hint, cause});
}
