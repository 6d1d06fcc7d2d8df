import type {ErrorCode} from '../../core/codes.js';
import {SealError} from '../../core/errors.js';
import {endpointText} from '../../core/ip-address.js';
import {type GenericFamily, openFamily} from '../netlink/generic.js';
import {KernelError} from '../netlink/request.js';
import {
	decodeDestination,
	decodeService,
	encodeDestination,
	encodeDestinationKey,
	encodeService,
	encodeServiceKey,
	familyOf,
} from './codec.js';
import type {IpvsTable, ServiceKey} from './table.js';

// linux/ip_vs.h: IPVS_CMD_*
const NEW_SERVICE = 1;
const SET_SERVICE = 2;
const DEL_SERVICE = 3;
const GET_SERVICE = 4;
const NEW_DESTINATION = 5;
const SET_DESTINATION = 6;
const DEL_DESTINATION = 7;
const GET_DESTINATION = 8;

/**
 * The table of this kernel, in the network namespace of the process.
 * @throws SealError ERR_NETLINK_FAMILY when the module ip_vs is not loaded, ERR_NETLINK
 */
export async function openIpvs(given?: GenericFamily): Promise<IpvsTable> {
	const family = given ?? (await openFamily('IPVS', 1));
	return {
		services: () =>
			family.call('dump', GET_SERVICE, []).flatMap(answer => {
				const service = decodeService(answer);
				return service === undefined ? [] : [service];
			}),
		service(key) {
			try {
				const [answer] = family.call('get', GET_SERVICE, [encodeServiceKey(key)]);
				return answer === undefined ? undefined : decodeService(answer);
			} catch (error) {
				if (error instanceof KernelError && error.errno === 'ESRCH') return undefined;
				throw refusal(error, `look for ${serviceText(key)}`);
			}
		},
		destinations: key =>
			act(`list the members of ${serviceText(key)}`, () =>
				family
					.call('dump', GET_DESTINATION, [encodeServiceKey(key)])
					.map(answer => decodeDestination(answer, familyOf(key.address))),
			),
		addService: service =>
			act(`add ${serviceText(service)} with the scheduler ${service.scheduler}`, () => {
				family.call('act', NEW_SERVICE, [encodeService(service)]);
			}),
		editService: service =>
			act(`change ${serviceText(service)} to the scheduler ${service.scheduler}`, () => {
				family.call('act', SET_SERVICE, [encodeService(service)]);
			}),
		deleteService: key =>
			act(`delete ${serviceText(key)}`, () => {
				family.call('act', DEL_SERVICE, [encodeServiceKey(key)]);
			}),
		addDestination: (key, destination) =>
			act(`add ${endpointText(destination)} to ${serviceText(key)}`, () => {
				family.call('act', NEW_DESTINATION, [encodeServiceKey(key), encodeDestination(destination)]);
			}),
		editDestination: (key, destination) =>
			act(`change ${endpointText(destination)} of ${serviceText(key)}`, () => {
				family.call('act', SET_DESTINATION, [encodeServiceKey(key), encodeDestination(destination)]);
			}),
		deleteDestination: (key, destination) =>
			act(`delete ${endpointText(destination)} from ${serviceText(key)}`, () => {
				family.call('act', DEL_DESTINATION, [encodeServiceKey(key), encodeDestinationKey(destination)]);
			}),
		close: () => family.close(),
	};
}

/** net/netfilter/ipvs/ip_vs_ctl.c: what each errno means there, with the code it becomes and what to do. */
const meanings: Readonly<Record<string, readonly [ErrorCode, string, string?]>> = {
	ESRCH: [
		'ERR_IPVS_SERVICE_UNKNOWN',
		'there is no such virtual service',
		'Look at the table with "ipvsadm -Ln": somebody else may have changed it.',
	],
	ENOENT: [
		'ERR_IPVS_MEMBER_UNKNOWN',
		'there is no such member, or no such scheduler',
		'Load the module of the scheduler, as in "modprobe ip_vs_rr".',
	],
	EEXIST: [
		'ERR_IPVS_EXISTS',
		'it is there already',
		'Somebody else made it: choose another virtual address, or remove it.',
	],
	EINVAL: ['ERR_IPVS_REFUSED', 'the kernel finds it invalid'],
	EAFNOSUPPORT: [
		'ERR_IPVS_REFUSED',
		'the kernel has IPVS without IPv6',
		'Use an IPv4 address, or a kernel with CONFIG_IP_VS_IPV6.',
	],
	EPROTONOSUPPORT: ['ERR_IPVS_REFUSED', 'the kernel has IPVS without this protocol'],
	ENOMEM: ['ERR_IPVS_REFUSED', 'the kernel has no memory left'],
	EPERM: ['ERR_IPVS_DENIED', 'it is not allowed', 'Run as root, or with CAP_NET_ADMIN.'],
};

function act<T>(what: string, run: () => T): T {
	try {
		return run();
	} catch (error) {
		throw refusal(error, what);
	}
}

function refusal(error: unknown, what: string): unknown {
	if (!(error instanceof KernelError)) return error;
	const [code, why, hint] = meanings[error.errno] ?? ['ERR_IPVS_REFUSED', `the kernel says ${error.errno}`];
	return new SealError(code, `Cannot ${what}: ${why}`, {
		...(hint === undefined ? {} : {hint}),
		details: {errno: error.errno},
		cause: error,
	});
}

function serviceText(key: ServiceKey): string {
	return `the virtual service ${key.protocol} ${endpointText(key)}`;
}
