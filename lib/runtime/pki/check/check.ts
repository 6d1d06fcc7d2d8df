import type {Abortable} from '../../../core/events.js';
import {mapBounded} from '../../../core/pool.js';
import type {HostFinding} from '../../preflight/finding.js';
import type {Transport} from '../../transport/transport.js';
import {endpointsOf} from './endpoints.js';
import {findingsOf} from './findings.js';
import {type ObservedCertificates, type ObserveOptions, observeCertificates} from './observe.js';
import {type CheckedCertificate, rowsOf, type UnreadablePlace} from './row.js';
import {askEndpoint, type Served} from './served.js';

/** All that is known of one host's certificates. */
export interface HostCertificates {
	readonly host: string;
	readonly observed: ObservedCertificates;
	readonly served: readonly Served[];
	readonly rows: readonly CheckedCertificate[];
	readonly unreadable: readonly UnreadablePlace[];
}

export interface CheckOptions extends ObserveOptions {
	readonly now?: Date | undefined;
	/** Ask the components of the host what they really serve. Default true. */
	readonly live?: boolean | undefined;
}

/**
 * Reads the certificates of a host in one round trip, and asks each of its components for the one that it serves. Private keys stay where they are.
 * @throws HostError ERR_PKI_HOST, ERR_COMMAND_FAILED, and what transports throw
 */
export async function checkHostCertificates(
	transport: Transport,
	options: CheckOptions = {},
): Promise<HostCertificates> {
	const {now = new Date(), live = true, ...rest} = options;
	const observed = await observeCertificates(transport, rest);
	const served = live ? await askAll(transport, observed, rest) : [];
	return {host: transport.host, observed, served, ...rowsOf(transport.host, observed, served, now)};
}

/** Servers of SSH allow ten sessions at once; some, fewer. */
async function askAll(
	transport: Transport,
	observed: ObservedCertificates,
	{signal}: Abortable,
): Promise<readonly Served[]> {
	return await mapBounded(
		endpointsOf(observed),
		4,
		async endpoint => await askEndpoint(transport, endpoint, {signal}),
		{
			signal,
		},
	);
}

export interface JudgeOptions {
	readonly now?: Date | undefined;
	/** What ends within so many days is an error. Default 30. */
	readonly days?: number | undefined;
}

/** What is wrong with the certificates of hosts, each alone and all together: errors first. */
export function judgeCertificates(
	hosts: readonly HostCertificates[],
	options: JudgeOptions = {},
): readonly HostFinding[] {
	const {now = new Date(), days = 30} = options;
	const findings = findingsOf(hosts, now, days);
	return [
		...findings.filter(({severity}) => severity === 'error'),
		...findings.filter(({severity}) => severity === 'warning'),
	];
}
