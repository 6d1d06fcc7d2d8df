import {existsSync, mkdirSync, rmSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {cli} from './servers.js';

const fetched = name => {
	const path = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sealimage/tools', name);
	return existsSync(path) ? path : name;
};

/** How each tool moves an image from an OCI layout to a registry and back. `prepare` is not timed. */
export const movers = {
	sealimage: {
		title: 'sealimage',
		prepare: ({layout, store}) =>
			existsSync(store) ? [] : [[process.execPath, cli, '--root', store, 'copy', `oci:${layout}:v1`, 'bench/image:v1']],
		push: ({store, host}) => [
			process.execPath,
			cli,
			'--root',
			store,
			'push',
			'bench/image:v1',
			`${host}/bench/image:v1`,
		],
		pull: ({target, host}) => [process.execPath, cli, '--root', target, 'pull', `${host}/bench/image:v1`],
	},
	skopeo: {
		title: 'skopeo copy',
		push: ({layout, host}) => [
			'skopeo',
			'copy',
			'--quiet',
			'--dest-tls-verify=false',
			`oci:${layout}:v1`,
			`docker://${host}/bench/image:v1`,
		],
		pull: ({target, host}) => [
			'skopeo',
			'copy',
			'--quiet',
			'--src-tls-verify=false',
			`docker://${host}/bench/image:v1`,
			`oci:${target}:v1`,
		],
	},
	crane: {
		title: 'crane push, pull --format=oci',
		push: ({layout, host}) => [fetched('crane'), 'push', layout, `${host}/bench/image:v1`],
		pull: ({target, host}) => [fetched('crane'), 'pull', '--format=oci', `${host}/bench/image:v1`, target],
	},
};

export function emptyFolder(path) {
	rmSync(path, {recursive: true, force: true});
	mkdirSync(path, {recursive: true});
}
