import {execFileSync} from 'node:child_process';
import {existsSync, realpathSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {makeBinaries, makeParts} from './make.js';
import {binariesDir, builtVersion, partsDir, recipes, storeDir} from './place.js';

const cli = 'dist/bin/sealimage.js';

/** A build of `sealimage build`: the image's name, the folder below `images/` with its Sealfile, and the rest of the flags. */
interface Recipe {
	readonly name: string;
	readonly folder: string;
	readonly context?: string;
	readonly target?: string;
	readonly flags?: readonly string[];
}

/** Builds every image that a cluster of the version wants into `storeDir`, and what they are made of. The second time takes seconds. */
export function buildImages(version: string = builtVersion): readonly string[] {
	if (!existsSync(cli)) throw new Error(`There is no ${cli}: run "npm run build" first`);
	makeParts();
	makeBinaries(version);
	const recipesOfAll = [...shelves(version), ...containers(version), ...clusterImages(version)];
	for (const recipe of recipesOfAll) build(recipe, version);
	return recipesOfAll.map(({name}) => name);
}

/** The folders of programs as images, which the others take from. */
function shelves(version: string): readonly Recipe[] {
	const flags = ['--compression', 'none'];
	return [
		{name: `lab/programs:${version}`, folder: 'programs', context: dirname(binariesDir(version)), flags},
		{name: 'lab/parts:latest', folder: 'parts', context: partsDir, flags},
	];
}

function containers(version: string): readonly Recipe[] {
	const folder = 'containers';
	const ofVersion = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'].map(
		(target): Recipe => ({name: `k8s.gcr.io/${target}:${version}`, folder, target}),
	);
	return [
		...ofVersion,
		{name: 'k8s.gcr.io/pause:3.2', folder, target: 'pause'},
		{name: 'k8s.gcr.io/etcd:3.4.13-0', folder, target: 'etcd'},
		{name: 'k8s.gcr.io/coredns:1.7.0', folder, target: 'coredns'},
		{name: 'registry.example.com/lab/cni:v1', folder, target: 'cni'},
		{name: 'registry.example.com/lab/redis:v7', folder, target: 'redis-v7'},
		{name: 'registry.example.com/lab/redis:v8', folder, target: 'redis-v8'},
	];
}

function clusterImages(version: string): readonly Recipe[] {
	return [
		{name: `kubernetes:${version}`, folder: 'kubernetes'},
		{name: 'cni:v1', folder: 'cni'},
		{name: 'redis:v7', folder: 'redis', flags: ['--build-arg', 'VERSION=v7']},
		{name: 'redis:v8', folder: 'redis', flags: ['--build-arg', 'VERSION=v8']},
	];
}

function build({name, folder, context, target, flags = []}: Recipe, version: string): void {
	const source = join(recipes, 'images', folder);
	execFileSync(
		process.execPath,
		[
			...[cli, '--root', storeDir, 'build', '--quiet', '--pull=never', '--platform', 'linux/amd64', '--tag', name],
			...['--file', join(source, 'Sealfile'), '--build-arg', `VERSION=${version}`],
			...(target === undefined ? [] : ['--target', target]),
			...flags,
			context === undefined ? source : realpathSync(context),
		],
		{stdio: ['ignore', 'ignore', 'inherit']},
	);
}
