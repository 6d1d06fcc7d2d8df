import type {OperationOptions} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {EmbedImage, EmbedLayer, EmbedPlan, EmbedWarning} from '../../oci/embedded.js';
import {formatReference, type ImageReference, parseReference, shortReference} from '../../oci/reference.js';
import {type EmbedContent, readContent} from './content.js';
import {divide, type Part} from './divide.js';
import {finishLayer} from './layer.js';
import {blobFile, embeddedRepository} from './layout.js';
import {linksOf} from './links.js';
import {emptyRegistry, type LowerRegistry} from './lower.js';
import {plainNames} from './names.js';

export interface PlanEmbedOptions extends OperationOptions {
	/** What the layers below hold already: blobs and links that are there are not repeated. Default: nothing. */
	readonly lower?: LowerRegistry | undefined;
	/** Above this many layers images are bundled by a hash of their repository (default 64). */
	readonly maxLayers?: number | undefined;
	/** Whole seconds since the epoch for every entry (default 0). */
	readonly mtime?: number | undefined;
}

/** One distinct image of the plan with every name it has. */
interface Unit {
	readonly id: string;
	readonly names: readonly ImageReference[];
	readonly content: EmbedContent;
}

/**
 * Divides images into layers of an embedded registry in the layout of the stock server: one layer per distinct image
 * (its own blobs and all its link files) and one per set of images that share blobs, so that changing an image changes
 * only its own layers. Reads manifests, writes nothing; equal input in any order gives an equal plan.
 * @throws SealError ERR_MANIFEST_INVALID for an image that no registry can serve, ERR_REFERENCE_INVALID
 */
export async function planEmbed(images: readonly EmbedImage[], options: PlanEmbedOptions = {}): Promise<EmbedPlan> {
	const {lower = emptyRegistry, maxLayers = 64, mtime = 0} = options;
	const warnings: EmbedWarning[] = [];
	const warn = (warning: EmbedWarning): unknown => warnings.push(warning);
	const units = await readUnits(images, warn, options);
	const names = units.flatMap(unit => unit.names.map(name => ({name, root: unit.content.root})));
	const plain = plainNames(names, lower, warn);
	const missing = units.map(({id, names, content}) => ({
		id,
		repository: embeddedRepository(names[0] as ImageReference),
		blobs: content.blobs.filter(blob => !lower.has(blobFile(blob.digest))),
	}));
	const byId = new Map(units.map(unit => [unit.id, unit]));
	const layers: EmbedLayer[] = [];
	for (const part of divide(missing, maxLayers)) {
		const members = part.members.map(id => byId.get(id) as Unit);
		const links = members.flatMap(unit =>
			unit.names.flatMap(name => linksOf(name, unit.content, plain.has(name), lower)),
		);
		if (part.blobs.length > 0 || links.length > 0)
			layers.push(finishLayer(titleOf(part, byId), part.blobs, links, mtime));
	}
	const sizeBytes = layers.flatMap(layer => layer.blobs).reduce((sum, blob) => sum + blob.size, 0);
	return {layers, warnings: warnings.sort((a, b) => (a.message < b.message ? -1 : 1)), sizeBytes};
}

/** Images with equal content are one unit: a second tag costs links, not blobs. */
async function readUnits(
	images: readonly EmbedImage[],
	warn: (warning: EmbedWarning) => void,
	options: OperationOptions,
): Promise<readonly Unit[]> {
	const groups = new Map<string, {image: EmbedImage; names: Map<string, ImageReference>}>();
	for (const image of images) {
		const id = image.chain.map(document => document.digest).join(' ');
		const group = groups.get(id) ?? {image, names: new Map()};
		groups.set(id, group);
		const name = parseReference(image.name);
		group.names.set(formatReference(name), name);
	}
	const units = await mapBounded(
		groups,
		8,
		async ([id, {image, names}]): Promise<Unit> => {
			const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
			return {id, names: sorted, content: await readContent(image, warn, options)};
		},
		options,
	);
	return units.sort((a, b) =>
		firstName(a) < firstName(b) ? -1 : firstName(a) > firstName(b) ? 1 : a.id < b.id ? -1 : 1,
	);
}

function firstName(unit: Unit): string {
	return formatReference(unit.names[0] as ImageReference);
}

function titleOf(part: Part, byId: ReadonlyMap<string, Unit>): string {
	const users = part.users.map(id => titleOfUnit(byId.get(id) as Unit)).sort();
	const shown = users.length <= 3 ? users.join(', ') : `${users.slice(0, 2).join(', ')} and ${users.length - 2} more`;
	return part.members.length === 0 ? `blobs shared by ${shown}` : shown;
}

/** The first name, of a digest only its beginning. */
function titleOfUnit(unit: Unit): string {
	return shortReference(firstName(unit)).replace(/(@sha\d+:[0-9a-f]{12})[0-9a-f]+$/, '$1');
}
