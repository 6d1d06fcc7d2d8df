import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {type Command, run} from '../peers.js';
import type {ServedRegistry} from './serve.js';

/** Where .ci/install-newer puts tools that this Debian release lacks. */
const toolsFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sealimage/tools');

/** The path of a tool out of a newer release, or undefined where it could not be had. */
export function newerTool(name: 'crane' | 'oras' | 'cosign'): string | undefined {
	const path = join(toolsFolder, name);
	return existsSync(path) ? path : undefined;
}

/** `--creds` and its kind, and how TLS is told, as the tools of the containers project spell them. */
export function containersFlags({login, tls}: ServedRegistry, prefix = ''): string[] {
	return [
		...(login === undefined ? [] : [`--${prefix}creds`, `${login.username}:${login.password}`]),
		...(tls === undefined ? [`--${prefix}tls-verify=false`] : [`--${prefix}cert-dir`, tls.folder]),
	];
}

/** A tool that finds its login in a docker configuration and trusts what SSL_CERT_FILE names. */
export function dockerStyle(program: string, served: ServedRegistry, home: string): Command {
	const folder = join(home, 'docker');
	mkdirSync(folder, {recursive: true});
	const {host, login, tls} = served;
	const auth = Buffer.from(`${login?.username}:${login?.password}`).toString('base64');
	writeFileSync(join(folder, 'config.json'), JSON.stringify(login === undefined ? {} : {auths: {[host]: {auth}}}));
	const env = {
		DOCKER_CONFIG: folder,
		HOME: home,
		COSIGN_PASSWORD: '',
		...(tls === undefined ? {} : {SSL_CERT_FILE: tls.ca}),
	};
	return (...args) => run([program, ...args], {cwd: home, env});
}

/** The digest that a layout's index.json gives the only name in it. */
export function onlyDigest(layout: string): string {
	const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {manifests: {digest: string}[]};
	if (index.manifests.length !== 1) throw new Error(`${layout} holds ${index.manifests.length} images`);
	return index.manifests[0]?.digest ?? '';
}
