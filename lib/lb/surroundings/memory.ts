import {mkdir, readFile, rm} from 'node:fs/promises';
import {isIP} from 'node:net';
import {dirname} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {systemCode} from '../../core/errors.js';
import {ioError} from '../../core/io-error.js';

/** What was there before a balancer came, and what it made. Written before each change, so that a crash in between forgets nothing. */
export interface Memory {
	/** The virtual service that is ours. */
	readonly service?: {readonly address: string; readonly port: number} | undefined;
	/** Names as in `net.ipv4.vs.conntrack`, with the values of before. */
	readonly sysctls: Readonly<Record<string, string>>;
	/** Modules that were not loaded. */
	readonly modules: readonly string[];
	readonly masquerade?: 'nftables' | 'iptables' | undefined;
}

export const nothingRemembered: Memory = {sysctls: {}, modules: []};

/** Larger than it can become; what is larger is not ours. */
const sizeLimitBytes = 64 * 1024;

/** A file that is missing or not to be understood is as good as none: a node must come up all the same. @throws SealError ERR_PERMISSION, ERR_IO */
export async function readMemory(file: string): Promise<Memory> {
	try {
		return parseMemory(await readFile(file, 'utf8'));
	} catch (error) {
		if (systemCode(error) === 'ENOENT') return nothingRemembered;
		throw ioError(error, 'read', file);
	}
}

/** @throws SealError ERR_PERMISSION, ERR_NO_SPACE, ERR_IO */
export async function writeMemory(file: string, memory: Memory): Promise<void> {
	await mkdir(dirname(file), {recursive: true}).catch((error: unknown) => {
		throw ioError(error, 'make the folder of', file);
	});
	await writeFileAtomic(file, `${JSON.stringify(memory, null, '\t')}\n`);
}

export async function forget(file: string): Promise<void> {
	await rm(file, {force: true}).catch((error: unknown) => {
		throw ioError(error, 'remove', file);
	});
}

/** Takes over what makes sense, entry by entry: the values go to the kernel one day. */
export function parseMemory(text: string): Memory {
	const value = text.length > sizeLimitBytes ? undefined : parsed(text);
	if (typeof value !== 'object' || value === null) return nothingRemembered;
	const {service, sysctls, modules, masquerade} = value as Record<string, unknown>;
	return {
		...(isService(service) ? {service: {address: service.address, port: service.port}} : {}),
		sysctls: Object.fromEntries(
			Object.entries(typeof sysctls === 'object' && sysctls !== null ? sysctls : {}).filter(
				(entry): entry is [string, string] =>
					/^net\.ipv4\.vs\.[a-z_]{1,40}$/.test(entry[0]) && typeof entry[1] === 'string' && /^\d{1,9}$/.test(entry[1]),
			),
		),
		modules: (Array.isArray(modules) ? modules : []).filter(
			(name): name is string => typeof name === 'string' && /^ip_vs(?:_[a-z]{1,10})?$/.test(name),
		),
		...(masquerade === 'nftables' || masquerade === 'iptables' ? {masquerade} : {}),
	};
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function isService(value: unknown): value is {address: string; port: number} {
	const {address, port} = (value ?? {}) as {address?: unknown; port?: unknown};
	return (
		typeof address === 'string' &&
		isIP(address) !== 0 &&
		!address.includes('%') &&
		Number.isInteger(port) &&
		(port as number) > 0 &&
		(port as number) < 65_536
	);
}
