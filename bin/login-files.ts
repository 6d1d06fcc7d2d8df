import {isAbsolute, join, relative, resolve} from 'node:path';
import type {AuthPlace} from '../lib/registry/login/sources.js';
import type {Io} from './io.js';

/**
 * The files that may hold logins, in the order in which they count. A file that was named, by flag or by
 * REGISTRY_AUTH_FILE, stands alone.
 */
export function loginFiles(authfile: string | undefined, io: Io): AuthPlace[] {
	const named = authfile ?? (io.env.REGISTRY_AUTH_FILE || undefined);
	if (named !== undefined) return [{path: resolve(io.cwd, named), shown: named, required: true}];
	const {XDG_RUNTIME_DIR, XDG_CONFIG_HOME} = io.env;
	const paths = [
		dockerConfig(io),
		...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
		join(XDG_CONFIG_HOME || join(io.home, '.config'), 'containers/auth.json'),
		join(io.home, '.dockercfg'),
	];
	return paths.map(path => ({path, shown: fromHome(path, io)}));
}

/** Where docker keeps its logins. */
export function dockerConfig(io: Io): string {
	return join(io.env.DOCKER_CONFIG || join(io.home, '.docker'), 'config.json');
}

/** `~/.docker/config.json` */
export function fromHome(path: string, io: Io): string {
	const below = relative(io.home, path);
	return below === '' || below.startsWith('..') || isAbsolute(below) ? path : join('~', below);
}
