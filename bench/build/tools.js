import {join} from 'node:path';

const cli = join(import.meta.dirname, '../../dist/bin/sealimage.js');
const twoPlatforms = 'linux/amd64,linux/arm64';

/**
 * The contestants. Each ends in the same state: an OCI layout on disk, layers compressed with gzip at the tool's own
 * default level. `build` gives the commands of one build into the folder `home`.
 */
export const tools = {
	sealimage: {
		title: 'sealimage',
		build: ({home, context, sealfile, platforms}) => [
			[process.execPath, cli, 'build', '--root', join(home, 'store'), '--tag', 'bench:1', '--file', sealfile]
				.concat(platforms === 2 ? ['--platform', twoPlatforms] : [])
				.concat(context),
		],
		layout: home => join(home, 'store'),
	},
	buildah: {
		title: 'buildah build --layers=false, push',
		build: options => buildah({...options, layers: false}),
		layout: home => join(home, 'layout'),
	},
	'buildah-layers': {
		title: 'buildah build --layers, push',
		build: options => buildah({...options, layers: true}),
		layout: home => join(home, 'layout'),
	},
};

function buildah({home, context, sealfile, platforms, layers, driver}) {
	const base = [
		'buildah',
		'--root',
		join(home, 'root'),
		'--runroot',
		join(home, 'runroot'),
		'--storage-driver',
		driver,
	];
	const build = [...base, 'build', '--quiet', `--layers=${layers}`, '--file', sealfile];
	const target = `oci:${join(home, 'layout')}:bench`;
	if (platforms !== 2)
		return [
			[...build, '--tag', 'localhost/bench:1', context],
			[...base, 'push', '--quiet', 'localhost/bench:1', target],
		];
	return [
		[...build, '--platform', twoPlatforms, '--manifest', 'localhost/bench:1', context],
		[...base, 'manifest', 'push', '--quiet', '--all', 'localhost/bench:1', target],
	];
}
