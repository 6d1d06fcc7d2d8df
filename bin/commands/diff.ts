import {compareNames} from '../../lib/core/name.js';
import {type Image, loadImage} from '../../lib/oci/image.js';
import type {TreeDiff, TreeNode} from '../../lib/oci/tree/tree.js';
import {defineCommand} from '../command.js';
import {compareImages} from '../compare-images.js';
import type {Style} from '../render/style.js';
import {printable} from '../render/text.js';
import {count, formatBytes} from '../render/units.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	description:
		'Files are compared by type, mode, owner, time, link and content, settings one by one. The exit code is 0 whether or not there is a difference.',
	operands: [
		{name: 'A', help: 'the image before', completes: 'image'},
		{name: 'B', help: 'the image after', completes: 'image'},
	],
	flags: {
		platform: {
			type: 'string',
			value: 'PLATFORM',
			help: 'the platform to compare of multi-platform images',
			completes: 'platform',
		},
		files: {type: 'boolean', default: true, help: 'compare files'},
	},
	examples: [{about: 'What an upgrade moves', line: 'sealimage diff kubernetes:v1.29 kubernetes:v1.30'}],
	async run({operands, flags}, context) {
		const platform = readPlatform(flags.platform);
		return await withStore(context, async store => {
			const [before, after] = await Promise.all(
				operands.map(async reference =>
					loadImage(store, await store.resolve(reference, {signal: context.signal}), platform, {
						signal: context.signal,
					}),
				),
			);
			const settings = diffSettings(before!, after!);
			const layers = diffLayers(before!, after!);
			const files = flags.files ? await compareImages(store, before!, after!, context) : undefined;
			return {
				json: {settings, layers, ...(files === undefined ? {} : {files: filesAsData(files)})},
				text: () => render(settings, layers, files, context.style),
			};
		});
	},
});

interface SettingChange {
	readonly name: string;
	readonly before: string | undefined;
	readonly after: string | undefined;
}

interface LayerChange {
	readonly sharedCount: number;
	/** What a push or pull of B moves when A is there. */
	readonly newCount: number;
	readonly newBytes: number;
}

function diffSettings(before: Image, after: Image): SettingChange[] {
	const [a, b] = [settingsOf(before), settingsOf(after)];
	return [...new Set([...a.keys(), ...b.keys()])]
		.filter(name => a.get(name) !== b.get(name))
		.toSorted()
		.map(name => ({name, before: a.get(name), after: b.get(name)}));
}

/** Every setting of an image under one name: `label version`, `env PATH`, `cmd`. */
function settingsOf({config}: Image): Map<string, string> {
	const {Labels = {}, Env = [], ...run} = config.config ?? {};
	return new Map([
		...Object.entries(Labels).map(([name, value]) => [`label ${name}`, value] as const),
		...Env.map(pair => [`env ${pair.split('=', 1)[0]}`, pair.slice(pair.indexOf('=') + 1)] as const),
		...Object.entries(run)
			.filter(([, value]) => value !== undefined && value !== null && value !== '')
			.map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : JSON.stringify(value)] as const),
	]);
}

function diffLayers(before: Image, after: Image): LayerChange {
	const known = new Set<string>(before.manifest.layers.map(layer => layer.digest));
	const added = after.manifest.layers.filter(layer => !known.has(layer.digest));
	return {
		sharedCount: after.manifest.layers.length - added.length,
		newCount: added.length,
		newBytes: added.reduce((sum, layer) => sum + layer.size, 0),
	};
}

function filesAsData(diff: TreeDiff): object {
	const facts = ({header}: TreeNode): object => ({path: header.path, type: header.type, sizeBytes: header.size});
	return {
		added: diff.added.map(facts),
		changed: diff.changed.map(({before, after}) => ({...facts(after), sizeBytesBefore: before.header.size})),
		removed: diff.removed.map(facts),
	};
}

function render(
	settings: readonly SettingChange[],
	layers: LayerChange,
	files: TreeDiff | undefined,
	style: Style,
): string {
	const lines = settings.flatMap(({name, before, after}) => [
		...(before === undefined ? [] : [style.red(`- ${printable(`${name}: ${before}`)}`)]),
		...(after === undefined ? [] : [style.green(`+ ${printable(`${name}: ${after}`)}`)]),
	]);
	const summary = `${count(layers.sharedCount, 'layer')} shared, ${layers.newCount} new (${formatBytes(layers.newBytes)})`;
	return [...lines, ...(files === undefined ? [] : fileLines(files, style)), style.dim(summary)].join('\n');
}

function fileLines({added, changed, removed}: TreeDiff, style: Style): string[] {
	return [
		...removed.map(node => ({node, mark: style.red('D')})),
		...added.map(node => ({node, mark: style.green('A')})),
		...changed.map(({after}) => ({node: after, mark: style.yellow('C')})),
	]
		.sort((a, b) => compareNames(a.node.header.path, b.node.header.path))
		.map(({node, mark}) => `${mark} /${printable(node.header.path)}${sizeOf(node)}`);
}

function sizeOf({header}: TreeNode): string {
	return header.type === 'file' ? ` (${formatBytes(header.size)})` : '';
}
