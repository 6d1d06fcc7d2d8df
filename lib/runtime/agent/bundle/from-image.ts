import {createWriteStream} from 'node:fs';
import {access, mkdir, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {besideOf} from '../../../core/atomic-file.js';
import {SealError} from '../../../core/errors.js';
import type {OperationOptions} from '../../../core/events.js';
import {withIo} from '../../../core/io-error.js';
import {componentAnnotation} from '../../../oci/component.js';
import type {ContentReader, Resolver} from '../../../oci/content.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {hexOf} from '../../../oci/digest.js';
import {loadImage} from '../../../oci/image.js';
import {readLayer} from '../../../oci/layer/read.js';
import {parsePlatform} from '../../../oci/platform.js';
import {agentProtocol} from '../protocol.js';
import {type AgentBundle, agentFolder, readBundle} from './bundle.js';
import {isFileName, manifestName} from './manifest.js';

export interface ImageBundleOptions extends OperationOptions {
	/** Where the agent is unpacked, once for each layer. */
	readonly cacheDir: string;
}

/** An agent is a tenth of this. */
const maxBytes = 1024 * 1024 * 1024;

/**
 * The agent that one of these images carries for a platform, the first that has one which this sealimage can talk to; undefined when none has. Where
 * there is no network an image is the only place that an agent can come from.
 * @throws SealError ERR_AGENT_BUNDLE when what an image carries is damaged; what reading the image throws
 */
export async function bundleFromImages(
	platform: string,
	images: readonly string[],
	store: ContentReader & Resolver,
	options: ImageBundleOptions,
): Promise<AgentBundle | undefined> {
	for (const name of images) {
		const image = await loadImage(store, await store.resolve(name, options), parsePlatform(platform), options);
		const layer = image.manifest.layers.findLast(each => each.annotations?.[componentAnnotation] === 'agent');
		if (layer === undefined) continue;
		const folder = join(options.cacheDir, 'agents', hexOf(layer.digest));
		// One that an earlier run unpacked, unless the cache has suffered since.
		const kept = (await isThere(folder))
			? await readBundle(folder, platform, options).catch(() => undefined)
			: undefined;
		const bundle = kept ?? (await unpackBundle(layer, platform, folder, name, store, options));
		if (bundle.manifest.protocol === agentProtocol) return bundle;
	}
	return undefined;
}

/** Unpacks the layer into a folder as `writeBundle` makes one, and keeps it when every file is what `agent.json` says. */
async function unpackBundle(
	layer: Descriptor,
	platform: string,
	folder: string,
	image: string,
	store: ContentReader,
	options: ImageBundleOptions,
): Promise<AgentBundle> {
	return await withIo('unpack the agent to', folder, async () => {
		const beside = besideOf(folder);
		try {
			await unpackLayer(layer, join(beside, platform.replace('/', '-'), agentFolder), image, store, options);
			await readBundle(beside, platform, options);
			await rm(folder, {recursive: true, force: true});
			await rename(beside, folder).catch(async error => {
				// Another process was faster.
				if (!(await isThere(folder))) throw error;
			});
			return await readBundle(folder, platform, options);
		} finally {
			await rm(beside, {recursive: true, force: true});
		}
	});
}

async function unpackLayer(
	layer: Descriptor,
	target: string,
	image: string,
	store: ContentReader,
	{signal}: ImageBundleOptions,
): Promise<void> {
	await mkdir(target, {recursive: true});
	let left = maxBytes;
	for await (const {header, content} of readLayer(await store.fetch(layer, {signal}), {signal})) {
		if (header.type === 'directory') continue;
		const name = header.path.slice(agentFolder.length + 1);
		const isOurs = header.path === `${agentFolder}/${name}` && (isFileName(name) || name === manifestName);
		left -= header.size;
		if (!isOurs || header.type !== 'file' || left < 0) throw strange(image, header.path);
		const file = createWriteStream(join(target, name), {flags: 'wx', mode: 0o644});
		await pipeline(Readable.from(content), file, {signal});
	}
}

function strange(image: string, path: string): SealError {
	return new SealError(
		'ERR_AGENT_BUNDLE',
		`The image ${image} has ${JSON.stringify(path)} in the layer of its agent, which does not belong there`,
		{
			hint: 'Build the image anew with "sealimage build", or name an agent with --agent-dir.',
		},
	);
}

async function isThere(path: string): Promise<boolean> {
	return await access(path).then(
		() => true,
		() => false,
	);
}
