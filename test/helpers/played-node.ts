import {
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import type {NodeSystem, Ran} from '../../lib/runtime/node/system.js';

/** A machine whose disk is a folder, with a systemctl, a modprobe and a swapoff that change that folder. */
export interface PlayedNode {
	readonly disk: string;
	readonly root: string;
	readonly system: NodeSystem;
	/** What was asked for, without looking. */
	readonly asked: string[];
	/** Everything but what sealimage keeps: paths with modes and contents, units, settings, modules, swaps. */
	snapshot(): Record<string, string>;
	/** Programs fail from this many calls on; undefined: never. */
	failAfter: number | undefined;
}

export function playNode(dir: string): PlayedNode {
	const disk = join(dir, 'disk');
	const units = join(disk, 'units');
	for (const folder of ['units', 'proc/sys/net/ipv4', 'sys/module', 'etc', 'usr/bin'])
		mkdirSync(join(disk, folder), {recursive: true});
	writeFileSync(join(disk, 'proc/sys/net/ipv4/ip_forward'), '0\n');
	setSwaps(disk, ['/swap.img']);
	const asked: string[] = [];
	const node: PlayedNode = {
		disk,
		root: join(dir, 'kept'),
		asked,
		failAfter: undefined,
		system: {
			run(argv) {
				if (argv[1] !== 'show') {
					if (node.failAfter !== undefined && asked.length >= node.failAfter)
						return Promise.resolve(failed('as played'));
					asked.push(argv.filter(word => word !== '--').join(' '));
				}
				return Promise.resolve(answer(argv, disk, units));
			},
		},
		snapshot: () => Object.fromEntries(list(disk, '')),
	};
	return node;
}

/** A unit is a file with its two states. */
export function setUnit({disk}: PlayedNode, name: string, enabled: string, active: string): void {
	writeFileSync(join(disk, 'units', name), `${enabled} ${active}`);
}

function answer(argv: readonly string[], disk: string, units: string): Ran {
	const [program, verb = '', ...rest] = argv.filter(word => word !== '--');
	if (program === 'sync') return ran('');
	if (program === 'modprobe') {
		const folder = join(disk, 'sys/module', verb === '-r' ? (rest[0] ?? '') : verb);
		if (verb === '-r') rmSync(folder, {recursive: true, force: true});
		else mkdirSync(folder, {recursive: true});
		return ran('');
	}
	if (program === 'swapoff' || program === 'swapon') {
		setSwaps(disk, program === 'swapon' ? [verb] : []);
		return ran('');
	}
	if (verb === 'show')
		return ran(
			rest
				.filter(word => !word.startsWith('-'))
				.map(name => shown(units, name))
				.join('\n\n'),
		);
	if (verb === 'daemon-reload') return ran('');
	const [name = ''] = rest;
	if (!existsSync(join(units, name))) return failed(`Unit ${name} not found`);
	const [enabled = '', active = ''] = readFileSync(join(units, name), 'utf8').split(' ');
	const states: Record<string, string> = {
		enable: `enabled ${active}`,
		disable: `disabled ${active}`,
		start: `${enabled} active`,
		restart: `${enabled} active`,
		stop: `${enabled} inactive`,
	};
	writeFileSync(join(units, name), states[verb] ?? '');
	return ran('');
}

function shown(units: string, name: string): string {
	if (!existsSync(join(units, name))) return `Id=${name}\nLoadState=not-found\nUnitFileState=\nActiveState=inactive`;
	const [enabled, active] = readFileSync(join(units, name), 'utf8').split(' ');
	return `Id=${name}\nLoadState=loaded\nUnitFileState=${enabled}\nActiveState=${active}`;
}

function setSwaps(disk: string, paths: readonly string[]): void {
	const lines = paths.map(path => `${path}\tfile\t\t1048572\t0\t-2\n`);
	writeFileSync(join(disk, 'proc/swaps'), `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${lines.join('')}`);
}

function* list(disk: string, path: string): Generator<[string, string]> {
	for (const name of readdirSync(join(disk, path)).sort()) {
		const here = `${path}/${name}`;
		const stats = lstatSync(join(disk, here));
		if (stats.isDirectory()) {
			yield [here, 'folder'];
			yield* list(disk, here);
		} else if (stats.isSymbolicLink()) yield [here, `-> ${readlinkSync(join(disk, here))}`];
		else yield [here, `${(stats.mode & 0o7777).toString(8)} ${readFileSync(join(disk, here), 'utf8')}`];
	}
}

function ran(stdout: string): Ran {
	return {code: 0, stdout, stderr: ''};
}

function failed(stderr: string): Ran {
	return {code: 1, stdout: '', stderr};
}
