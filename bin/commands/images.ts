import {loadImage} from '../../lib/oci/image.js';
import {readImageFacts} from '../../lib/oci/image-type.js';
import {formatPlatform} from '../../lib/oci/platform.js';
import {shortReference} from '../../lib/oci/reference.js';
import type {Store, StoredImage} from '../../lib/oci/store/store.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {renderTable} from '../render/table.js';
import {formatAge, formatBytes, shortDigest} from '../render/units.js';
import {withStore} from '../store.js';

export const command = defineCommand({
	operands: [
		{name: 'NAME', help: 'only this repository, or this name with its tag', optional: true, completes: 'image'},
	],
	flags: {
		quiet: {type: 'boolean', short: 'q', help: 'print digests alone'},
		digests: {type: 'boolean', help: 'print whole digests'},
	},
	examples: [
		{about: 'Everything in the store', line: 'sealimage images'},
		{about: 'Names for a script', line: "sealimage images --output json | jq -r '.[].names[]'"},
	],
	async run({operands, flags}, context) {
		return await withStore(context, async store => {
			const listed = await store.list({signal: context.signal});
			const images = await Promise.all(chosen(listed, operands[0]).map(image => describe(store, image, context)));
			return {
				json: images,
				text: () =>
					flags.quiet
						? [...new Set(images.map(image => (flags.digests ? image.digest : shortDigest(image.digest))))].join('\n')
						: table(images, flags.digests, context),
			};
		});
	},
});

interface Listed {
	readonly names: readonly string[];
	readonly digest: string;
	readonly created?: string | undefined;
	readonly sizeBytes: number;
	readonly platforms: readonly string[];
	/** `rootfs`, `application` or `patch`; `image` for one that no label puts into a cluster. */
	readonly type: string;
	readonly damage?: string | undefined;
}

function chosen(images: readonly StoredImage[], wanted: string | undefined): readonly StoredImage[] {
	if (wanted === undefined) return images;
	const fits = (name: string): boolean =>
		[name, shortReference(name)].some(text => text === wanted || text.slice(0, text.lastIndexOf(':')) === wanted);
	return images.map(image => ({...image, names: image.names.filter(fits)})).filter(image => image.names.length > 0);
}

async function describe(store: Store, image: StoredImage, context: Context): Promise<Listed> {
	return {
		names: image.names,
		digest: image.descriptor.digest,
		created: image.created,
		sizeBytes: image.sizeBytes,
		platforms: image.platforms.map(formatPlatform),
		type: await typeOf(store, image, context),
		damage: image.damage,
	};
}

async function typeOf(store: Store, image: StoredImage, {signal}: Context): Promise<string> {
	if (image.damage !== undefined) return 'damaged';
	try {
		const {config} = await loadImage(store, image.descriptor, undefined, {signal});
		const facts = readImageFacts(config.config?.Labels);
		return facts.typed ? facts.type : 'image';
	} catch {
		// A listing shows what it can: artifacts have no config, and contradicting labels are for inspect to report.
		signal.throwIfAborted();
		return 'other';
	}
}

function table(images: readonly Listed[], digests: boolean, context: Context): string {
	const rows = images.flatMap(image =>
		(image.names.length === 0 ? ['<none>:<none>'] : image.names).map(name => {
			const cut = name.includes('@') ? name.indexOf('@') : name.lastIndexOf(':');
			return [
				shortReference(name.slice(0, cut)),
				name.slice(cut + 1),
				digests ? image.digest : shortDigest(image.digest),
				formatAge(image.created, context.io.now()),
				formatBytes(image.sizeBytes),
				image.platforms.join(', '),
				image.type,
			];
		}),
	);
	const titles = ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'PLATFORMS', 'TYPE'];
	return renderTable(
		titles.map(title => (title === 'SIZE' ? {title, align: 'right'} : {title})),
		rows,
		context.style,
	);
}
