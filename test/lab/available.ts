import {execFileSync} from 'node:child_process';
import {accessSync, constants, existsSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {baseDir, makeBase} from './place.js';

/** From Debian: a missing one is a failure in CI. */
const tools = ['mmdebstrap', 'mke2fs', 'ip', 'ssh', 'ssh-keygen', 'dpkg-deb', 'apt-get'];

/** Why hosts cannot be booted here, or undefined when they can. Makes the base when it is absent, once. */
export function whyNoHosts(): string | undefined {
	if (process.platform !== 'linux' || process.arch !== 'x64') return 'lab hosts need Linux on x86-64';
	if (process.getuid?.() !== 0) return 'lab hosts need root';
	const missing = tools.filter(tool => !isOnPath(tool));
	if (missing.length > 0) {
		const why = `lab hosts need ${missing.join(', ')}`;
		if (process.env.CI === 'true') throw new Error(`Missing where it must be present: ${why}`);
		return why;
	}
	if (!existsSync('/dev/net/tun')) return 'lab hosts need /dev/net/tun';
	return existsSync(join(baseDir(), 'base.img')) ? undefined : whyNoBase();
}

/** The kernel comes from another release than this machine's, which may be gone: that is no failure. */
function whyNoBase(): string | undefined {
	try {
		execFileSync(makeBase, [baseDir()], {stdio: ['ignore', 'inherit', 'inherit']});
		return undefined;
	} catch (error) {
		return `the base of lab hosts cannot be made (${(error as Error).message})`;
	}
}

function isOnPath(tool: string): boolean {
	return (process.env.PATH ?? '').split(delimiter).some(folder => {
		try {
			accessSync(join(folder, tool), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}
