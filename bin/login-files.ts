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
		// Without a session of the user podman and skopeo have a folder of their own.
		XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'containers/auth.json') : `/run/containers/${io.uid ?? 0}/auth.json`,
		join(XDG_CONFIG_HOME || join(io.home, '.config'), 'containers/auth.json'),
		join(io.home, '.dockercfg'),
	];
	return paths.map(path => ({path, shown: fromHome(path, io)}));
}

/**
 * The file that new logins go to: the one that was named, else docker's. All tools read that one and it outlives a restart,
 * which podman's own file in XDG_RUNTIME_DIR does not.
 */
export function loginFile(authfile: string | undefined, io: Io): AuthPlace {
	const named = authfile ?? (io.env.REGISTRY_AUTH_FILE || undefined);
	if (named !== undefined) return {path: resolve(io.cwd, named), shown: named};
	const path = dockerConfig(io);
	return {path, shown: fromHome(path, io)};
}

function dockerConfig(io: Io): string {
	return join(io.env.DOCKER_CONFIG || join(io.home, '.docker'), 'config.json');
}

/** `~/.docker/config.json` */
function fromHome(path: string, io: Io): string {
	const below = relative(io.home, path);
	return below === '' || below.startsWith('..') || isAbsolute(below) ? path : join('~', below);
}
