import {SealError} from '../core/errors.js';
import {addressBytes, addressText, endpointText} from '../core/ip-address.js';

/** One way to the API that every node has: a virtual address that the kernel balances over members. */
export interface BalancerSpec {
	/** The virtual address, on no device of any host. */
	readonly address: string;
	readonly port: number;
	readonly members: readonly Member[];
	/** A scheduler of the kernel. Default `rr`. */
	readonly scheduler: Scheduler;
	readonly probe: ProbeSpec;
	readonly policy: Policy;
}

export interface Member {
	readonly address: string;
	readonly port: number;
}

export type Scheduler = (typeof schedulers)[number];
export const schedulers = [
	'rr',
	'wrr',
	'lc',
	'wlc',
	'sh',
	'dh',
	'mh',
	'sed',
	'nq',
	'lblc',
	'lblcr',
	'fo',
	'ovf',
	'twos',
] as const;

/** How a member is asked whether it works. */
export interface ProbeSpec {
	/** `https`: a request, the server's certificate checked; `tcp`: a connection is enough. */
	readonly kind: 'https' | 'tcp';
	readonly path: string;
	/** The authority that members' certificates are checked with, a PEM file. Undefined: they are not checked, which has to be asked for. */
	readonly caFile?: string | undefined;
	/** The name that the certificate must hold. Default: the member's address. */
	readonly serverName?: string | undefined;
	readonly intervalMs: number;
	readonly timeoutMs: number;
}

export interface Policy {
	/** So many failures one after the other, and a member is dead. */
	readonly fall: number;
	/** So many successes one after the other, and a member that was dead or is new gets connections. */
	readonly rise: number;
	/** How long connections of a member that goes on purpose may still run. */
	readonly drainMs: number;
}

export const defaults = {
	address: '10.103.97.2',
	port: 6443,
	scheduler: 'rr',
	probe: {kind: 'https', path: '/readyz', intervalMs: 1000, timeoutMs: 1000},
	policy: {fall: 2, rise: 2, drainMs: 60_000},
} as const;

/** Members in a larger table than this are a mistake. */
export const memberLimit = 1000;

/**
 * Reads a spec as people and files write it; what is absent has its default, what is not known is refused.
 * @param where "the file /etc/sealimage/lb.json", for messages
 * @throws SealError ERR_LB_SPEC, ERR_LB_MEMBER, ERR_LB_SCHEDULER, ERR_ADDRESS
 */
export function readSpec(value: unknown, where: string): BalancerSpec {
	const top = fields(value, where, ['address', 'port', 'members', 'scheduler', 'probe', 'policy']);
	const address = addressText(addressBytes(text(top.address ?? defaults.address, `address of ${where}`)));
	const port = portNumber(top.port ?? defaults.port, `port of ${where}`);
	const members = list(top.members, `members of ${where}`).map(member => readMember(member, port, where));
	const scheduler = schedulers.find(name => name === (top.scheduler ?? defaults.scheduler));
	if (scheduler === undefined) {
		throw new SealError('ERR_LB_SCHEDULER', `The scheduler of ${where} is ${JSON.stringify(top.scheduler)}`, {
			hint: `Choose one of ${schedulers.join(', ')}.`,
		});
	}
	const spec = {
		address,
		port,
		members,
		scheduler,
		probe: readProbe(top.probe ?? {}, where),
		policy: readPolicy(top.policy ?? {}, where),
	};
	checkMembers(spec, where);
	return spec;
}

/** What identifies a member: its endpoint as text. */
export function memberKey(member: Member): string {
	return endpointText(member);
}

function readMember(value: unknown, port: number, where: string): Member {
	if (typeof value === 'string') {
		const match = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(value);
		const address = match?.[1] ?? match?.[2] ?? value;
		return {
			address: addressText(addressBytes(address)),
			port: match?.[3] === undefined ? port : portNumber(Number(match[3]), `member ${value} of ${where}`),
		};
	}
	const member = fields(value, `a member of ${where}`, ['address', 'port']);
	return {
		address: addressText(addressBytes(text(member.address, `address of a member of ${where}`))),
		port: portNumber(member.port ?? port, `port of a member of ${where}`),
	};
}

function readProbe(value: unknown, where: string): ProbeSpec {
	const probe = fields(value, `probe of ${where}`, ['kind', 'path', 'caFile', 'serverName', 'intervalMs', 'timeoutMs']);
	const kind = probe.kind ?? defaults.probe.kind;
	if (kind !== 'https' && kind !== 'tcp')
		throw invalid(`The probe of ${where} is of the kind ${JSON.stringify(kind)}`, 'Choose https or tcp.');
	const path = text(probe.path ?? defaults.probe.path, `path of the probe of ${where}`);
	if (!/^\/[\x21-\x7e]*$/.test(path))
		throw invalid(
			`The probe of ${where} asks for ${JSON.stringify(path)}`,
			'Begin the path with a slash, and leave no space in it.',
		);
	return {
		kind,
		path,
		...(probe.caFile === undefined ? {} : {caFile: text(probe.caFile, `caFile of ${where}`)}),
		...(probe.serverName === undefined ? {} : {serverName: text(probe.serverName, `serverName of ${where}`)}),
		intervalMs: whole(probe.intervalMs ?? defaults.probe.intervalMs, 100, 3_600_000, `intervalMs of ${where}`),
		timeoutMs: whole(probe.timeoutMs ?? defaults.probe.timeoutMs, 50, 3_600_000, `timeoutMs of ${where}`),
	};
}

function readPolicy(value: unknown, where: string): Policy {
	const policy = fields(value, `policy of ${where}`, ['fall', 'rise', 'drainMs']);
	return {
		fall: whole(policy.fall ?? defaults.policy.fall, 1, 100, `fall of ${where}`),
		rise: whole(policy.rise ?? defaults.policy.rise, 1, 100, `rise of ${where}`),
		drainMs: whole(policy.drainMs ?? defaults.policy.drainMs, 0, 86_400_000, `drainMs of ${where}`),
	};
}

/** What no single value shows. */
function checkMembers(
	{address, port, members}: Pick<BalancerSpec, 'address' | 'port' | 'members'>,
	where: string,
): void {
	if (members.length === 0)
		throw invalid(`There are no members in ${where}`, 'Name at least one, as in "members": ["10.0.0.1:6443"].');
	if (members.length > memberLimit)
		throw invalid(`There are ${members.length} members in ${where}, more than ${memberLimit}`);
	const seen = new Set<string>();
	for (const member of members) {
		const key = memberKey(member);
		const refuse = (why: string, hint: string): SealError =>
			new SealError('ERR_LB_MEMBER', `The member ${key} ${why}`, {hint});
		if (seen.has(key)) throw refuse(`is in ${where} twice`, 'Name it once.');
		seen.add(key);
		// The kernel would send a connection round in circles.
		if (member.address === address) {
			const why = `of ${where} has the virtual address ${endpointText({address, port})} itself`;
			throw refuse(why, 'Name the address of a server.');
		}
		if (member.address.includes(':') !== address.includes(':')) {
			const why = `of ${where} and the virtual address ${endpointText({address, port})} are of different families`;
			throw refuse(why, 'Use IPv4 for both, or IPv6 for both.');
		}
	}
}

function fields<const Name extends string>(
	value: unknown,
	where: string,
	known: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw invalid(`There is no object in ${where}`);
	const strange = Object.keys(value).find(name => !(known as readonly string[]).includes(name));
	if (strange !== undefined)
		throw invalid(`${JSON.stringify(strange)} is not known in ${where}`, `Known are ${known.join(', ')}.`);
	return value as Partial<Record<Name, unknown>>;
}

function list(value: unknown, where: string): readonly unknown[] {
	if (!Array.isArray(value)) throw invalid(`There is no list as the ${where}`);
	return value;
}

function text(value: unknown, where: string): string {
	if (typeof value !== 'string' || value === '') throw invalid(`There is no text as the ${where}`);
	return value;
}

function portNumber(value: unknown, where: string): number {
	return whole(value, 1, 65_535, where);
}

function whole(value: unknown, least: number, most: number, where: string): number {
	if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
		throw invalid(`${JSON.stringify(value)} stands as the ${where}`, `Give a whole number from ${least} to ${most}.`);
	return value;
}

function invalid(message: string, hint?: string): SealError {
	return new SealError('ERR_LB_SPEC', message, {hint});
}
