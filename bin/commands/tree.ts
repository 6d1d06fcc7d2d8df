import {SealError} from '../../lib/core/errors.js';
import {loadImage} from '../../lib/oci/image.js';
import {formatPlatform} from '../../lib/oci/platform.js';
import type {TreeNode} from '../../lib/oci/tree/tree.js';
import {lookup} from '../../lib/oci/tree/tree.js';
import {defineCommand} from '../command.js';
import {imageTree} from '../image-tree.js';
import {renderTree, type TreeLine} from '../render/tree.js';
import {formatBytes} from '../render/units.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	description: 'Sizes are of file contents; a folder has the size of all below it, a hard link counts once.',
	operands: [
		{name: 'IMAGE', help: 'the name, digest or short digest of an image in the store', completes: 'image'},
		{name: 'PATH', help: 'show this folder of the image only', optional: true},
	],
	flags: {
		depth: {type: 'integer', short: 'L', value: 'N', default: 2, minimum: 1, help: 'how many levels to show'},
		all: {type: 'boolean', short: 'a', help: 'show every level'},
		platform: {
			type: 'string',
			value: 'PLATFORM',
			help: 'the platform to show of a multi-platform image',
			completes: 'platform',
		},
	},
	examples: [
		{about: 'What makes a cluster image large?', line: 'sealimage tree kubernetes:v1.30'},
		{about: 'Every file of its charts', line: 'sealimage tree --all ingress:v1 charts'},
	],
	async run({operands, flags}, context) {
		const [reference = '', path = ''] = operands;
		const platform = readPlatform(flags.platform);
		return await withStore(context, async store => {
			const descriptor = await store.resolve(reference, {signal: context.signal});
			const image = await loadImage(store, descriptor, platform, {signal: context.signal});
			const tree = await imageTree(store, image, context);
			const node = lookup(tree, path.replace(/\/+$/, ''));
			if (node === undefined)
				throw new SealError('ERR_USAGE', `The image ${reference} has no file or folder /${path.replace(/^\//, '')}`);
			const depth = flags.all ? Number.POSITIVE_INFINITY : flags.depth;
			const shown = measure(node, depth, new Set());
			return {
				json: {reference, platform: formatPlatform(image.config), digest: image.descriptor.digest, ...shown},
				text: () => renderTree(lineOf(shown, path === '' ? '/' : path), context.style),
			};
		});
	},
});

interface Measured {
	readonly name: string;
	readonly type: string;
	readonly mode: string;
	readonly sizeBytes: number;
	readonly linkname?: string | undefined;
	/** Files and folders at and below. */
	readonly count: number;
	readonly children?: readonly Measured[] | undefined;
}

/** Hard links share one content object: it is counted where it is met first. */
function measure(node: TreeNode, depth: number, counted: Set<object>): Measured {
	const {header, content} = node;
	const children = [...(node.children?.values() ?? [])].map(child => measure(child, depth - 1, counted));
	const again = content !== undefined && counted.has(content);
	if (content !== undefined) counted.add(content);
	return {
		name: header.path.slice(header.path.lastIndexOf('/') + 1),
		type: header.type,
		mode: header.mode.toString(8).padStart(4, '0'),
		sizeBytes: (again ? 0 : header.size) + children.reduce((sum, child) => sum + child.sizeBytes, 0),
		...(header.linkname === undefined ? {} : {linkname: header.linkname}),
		count: 1 + children.reduce((sum, child) => sum + child.count, 0),
		...(node.children === undefined || depth <= 0 ? {} : {children}),
	};
}

function lineOf(node: Measured, name = node.name): TreeLine {
	const folder = node.type === 'directory' && !name.endsWith('/') ? '/' : '';
	const link = node.type === 'symlink' ? ` -> ${node.linkname}` : '';
	const hidden = node.type === 'directory' && node.children === undefined && node.count > 1;
	return {
		text: `${name}${folder}${link}`,
		note: node.type === 'symlink' ? '' : formatBytes(node.sizeBytes) + (hidden ? `, ${node.count - 1} below` : ''),
		children: (node.children ?? []).map(child => lineOf(child)),
	};
}
