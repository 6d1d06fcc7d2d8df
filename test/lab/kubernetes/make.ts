import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readlinkSync, renameSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {builtVersion, keyOf, kubernetesDir, recipes} from './place.js';

/** Makes the programs of a version unless they are there. Their folder is `binariesDir(version)`. Takes minutes the first time. */
export function makeBinaries(version: string = builtVersion): void {
	if (!/^v1\.\d+\.\d+$/.test(version))
		throw new Error(`${version} is no version of Kubernetes, such as ${builtVersion}`);
	const key = keyOf(join(recipes, 'make-binaries'), join(recipes, 'programs'));
	make(version, key, target => ['make-binaries', version, target, join(kubernetesDir, 'work')]);
}

/** Makes `partsDir` unless it is there. */
export function makeParts(): void {
	make('parts', keyOf(join(recipes, 'make-parts')), target => ['make-parts', target]);
}

/** Runs a script that makes a folder, and gives that a name that stays the same. What an older recipe made is left to those who use it. */
function make(name: string, key: string, command: (target: string) => readonly string[]): void {
	const target = join('made', `${name}-${key}`);
	mkdirSync(join(kubernetesDir, 'made'), {recursive: true});
	if (!existsSync(join(kubernetesDir, target))) {
		const [script = '', ...args] = command(join(kubernetesDir, target));
		execFileSync('nice', ['-n', '5', join(recipes, script), ...args], {stdio: ['ignore', 'inherit', 'inherit']});
	}
	const link = join(kubernetesDir, name);
	if (existsSync(link) && readlinkSync(link) === target) return;
	symlinkSync(target, `${link}.${process.pid}`);
	renameSync(`${link}.${process.pid}`, link);
}
