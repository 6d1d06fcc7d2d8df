import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {formatPlatform, hostPlatform, type Platform} from '../../oci/platform.js';

/** What the kernel of this machine says about foreign programs; the default folder is a binfmt_misc mount. */
export const binfmtFolder = '/proc/sys/fs/binfmt_misc';

/**
 * Why programs of `platform` do not run here, or undefined when they do: the machine's own architecture, one that it runs
 * as well, or one that qemu is registered for with its program kept open (flag F), as a container cannot see the file.
 */
export function whyNotRunnable(
	platform: Platform,
	host: Platform = hostPlatform(),
	folder = binfmtFolder,
): string | undefined {
	if (platform.os !== 'linux') return `programs of ${formatPlatform(platform)} do not run on Linux`;
	if (platform.architecture === host.architecture) return undefined;
	if ((runsAlso[host.architecture] ?? []).includes(platform.architecture)) return undefined;
	const name = qemuNames[platform.architecture] ?? platform.architecture;
	const without = `this machine is ${formatPlatform(host)} and has no emulation of ${formatPlatform(platform)}`;
	const found = registrations(folder).filter(text => text.includes(`qemu-${name}`));
	const enabled = found.find(text => /^enabled$/m.test(text));
	if (enabled === undefined) return without;
	if (/^flags:.*F/m.test(enabled)) return undefined;
	return `${without} that containers can use (qemu-${name} is registered without the flag F)`;
}

/** Architectures whose programs the kernel of another one starts by itself. */
const runsAlso: Readonly<Record<string, readonly string[]>> = {amd64: ['386'], arm64: ['arm']};

const qemuNames: Readonly<Record<string, string>> = {
	amd64: 'x86_64',
	'386': 'i386',
	arm64: 'aarch64',
	mips64le: 'mips64el',
	mipsle: 'mipsel',
	loong64: 'loongarch64',
};

/** The text of every registration that names an interpreter. */
function registrations(folder: string): readonly string[] {
	try {
		return readdirSync(folder)
			.filter(name => name !== 'register' && name !== 'status')
			.map(name => readFileSync(join(folder, name), 'utf8'));
	} catch {
		return [];
	}
}
