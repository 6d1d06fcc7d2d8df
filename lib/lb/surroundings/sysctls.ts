import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from '../../core/errors.js';
import {ioError} from '../../core/io-error.js';

/** A setting of the kernel that is not as IPVS wants it, or that this kernel has not got. */
export interface SysctlFinding {
	readonly name: string;
	readonly wanted: string;
	/** Undefined: this kernel does not know it. */
	readonly found: string | undefined;
}

/**
 * What IPVS needs as a balancer of a node, by kernel release. kube-proxy sets the same in its mode ipvs; in the others nobody does.
 * @param release as in `6.1.0-18-amd64`
 */
export function wantedSysctls(release: string): Readonly<Record<string, string>> {
	const [major = 0, minor = 0] = release.split('.').map(part => Number.parseInt(part, 10) || 0);
	const at = major * 1000 + minor;
	return {
		// Connections of a deleted member end with their next packet instead of hanging.
		'net.ipv4.vs.expire_nodest_conn': '1',
		'net.ipv4.vs.expire_quiescent_template': '1',
		// Masquerade for pods works on what conntrack knows.
		'net.ipv4.vs.conntrack': '1',
		// With 1, kernels before 5.9 delay a reused port by a second; those before 4.1 do not know it. Newer ones want their default.
		...(at >= 4001 && at < 5009 ? {'net.ipv4.vs.conn_reuse_mode': '0'} : {}),
	};
}

/** @param root where the system's files begin */
export async function kernelRelease(root: string): Promise<string> {
	return (await readFile(join(root, 'proc/sys/kernel/osrelease'), 'utf8')).trim();
}

/** Those that differ. @throws SealError ERR_PERMISSION, ERR_IO */
export async function differingSysctls(
	root: string,
	wanted: Readonly<Record<string, string>>,
): Promise<readonly SysctlFinding[]> {
	const findings = await Promise.all(
		Object.entries(wanted).map(async ([name, value]) => ({name, wanted: value, found: await readSysctl(root, name)})),
	);
	return findings.filter(({wanted: value, found}) => found !== value);
}

/** Undefined when this kernel does not know it. */
export async function readSysctl(root: string, name: string): Promise<string | undefined> {
	try {
		return (await readFile(pathOf(root, name), 'utf8')).trim();
	} catch (error) {
		if (systemCode(error) === 'ENOENT') return undefined;
		throw ioError(error, 'read', pathOf(root, name));
	}
}

/** @throws SealError ERR_PERMISSION, ERR_IO */
export async function writeSysctl(root: string, name: string, value: string): Promise<void> {
	try {
		// Not created where it is missing: a kernel without it is no place for a file.
		await writeFile(pathOf(root, name), `${value}\n`, {flag: 'r+'});
	} catch (error) {
		throw ioError(error, 'write', pathOf(root, name));
	}
}

function pathOf(root: string, name: string): string {
	return join(root, 'proc/sys', ...name.split('.'));
}
