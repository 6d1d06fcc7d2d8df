import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import {parseYaml} from '../../core/yaml.js';
import {componentAnnotation} from '../../oci/component.js';
import type {ContentReader} from '../../oci/content.js';
import type {Digest} from '../../oci/digest.js';
import type {Image} from '../../oci/image.js';
import {knownIndex} from '../../oci/layer/known-indexes.js';
import {treeFiles} from '../../oci/tree/files.js';
import {applyLayer, emptyTree, type ImageTree, walkTree} from '../../oci/tree/tree.js';
import {readConfigs} from '../cluster/clusterfile.js';
import type {ConfigDocument} from '../cluster/config-document.js';
import {documentKinds, type KubeadmDocument} from '../kubeadm/document.js';
import type {ImageFile} from '../lifecycle/setting.js';
import {badImage} from './run-config.js';

/** What the files of a rootfs or patch say. */
export interface RootfsFiles {
	/** Sorted; without those of the registry and of the agent. */
	readonly files: readonly ImageFile[];
	readonly kubeadm: readonly KubeadmDocument[];
	readonly configs: readonly ConfigDocument[];
	/** The version of `kube-apiserver` that the image embeds, when its list of images says. */
	readonly apiServer?: string | undefined;
}

/** Where layers are read from; their tables of contents are kept in `cacheDir`. */
export type LayerStore = ContentReader & {readonly cacheDir: string};

const kubeadmPath = 'etc/kubeadm.yml';
const configPath = 'config.yml';
const lockPath = 'images/lock.json';

const limits = {
	entries: 300_000,
	files: 50_000,
	pathChars: 8 * 1024 * 1024,
	readBytes: 4 * 1024 * 1024,
	values: 50_000,
} as const;

/**
 * Lists the files of an image and reads the few that a cluster goes by. Layers that hold nothing but the registry or the agent are not
 * looked at, the others once in the life of the store.
 * @throws SealError ERR_CLUSTER_IMAGE, ERR_CLUSTERFILE, ERR_YAML, and as indexLayer
 */
export async function readRootfsFiles(
	store: LayerStore,
	image: Image,
	shown: string,
	options: OperationOptions = {},
): Promise<RootfsFiles> {
	const tree = await treeOf(store, image, shown, options);
	const texts = new Map<string, string>();
	const wanted = [kubeadmPath, configPath, lockPath];
	for await (const {path, bytes} of treeFiles(tree, store).read(wanted, {
		limitBytes: limits.readBytes,
		signal: options.signal,
	}))
		texts.set(path, Buffer.from(bytes).toString());
	const configs = texts.get(configPath);
	return {
		files: listFiles(tree, shown),
		kubeadm: readKubeadm(texts.get(kubeadmPath), `${kubeadmPath} of ${shown}`),
		configs: configs === undefined ? [] : readConfigs(configs, `${configPath} of ${shown}`),
		apiServer: apiServerOf(texts.get(lockPath)),
	};
}

async function treeOf(store: LayerStore, image: Image, shown: string, options: OperationOptions): Promise<ImageTree> {
	const {layers} = image.manifest;
	const diffIds = image.config.rootfs.diff_ids;
	if (diffIds.length !== layers.length)
		throw badImage(shown, `it has ${layers.length} layers, and its config names ${diffIds.length}`);
	const own = layers
		.map((layer, position) => ({layer, diffId: diffIds[position] as Digest}))
		.filter(({layer}) => layer.annotations?.[componentAnnotation] === undefined);
	const indexes = await mapBounded(
		own,
		2,
		({layer, diffId}) => knownIndex(store, layer, diffId, {...options, limitEntries: limits.entries}),
		options,
	);
	return indexes.reduce((tree, index, position) => applyLayer(tree, index, own[position]!.layer), emptyTree);
}

function listFiles(tree: ImageTree, shown: string): readonly ImageFile[] {
	const files: ImageFile[] = [];
	let chars = 0;
	for (const {header} of walkTree(tree)) {
		const {path, type, mode, size, linkname} = header;
		if (path === '' || /^(?:registry|opt\/sealimage)(?:\/|$)/.test(path)) continue;
		const kind = kinds[type];
		if (kind === undefined) continue;
		chars += path.length + (linkname?.length ?? 0);
		if (files.length >= limits.files || chars > limits.pathChars)
			throw badImage(shown, `it has more than ${limits.files} files beside its registry`);
		files.push({path, kind, mode, sizeBytes: size, ...(kind === 'link' ? {target: linkname ?? ''} : {})});
	}
	return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Devices and pipes are not for hosts. */
const kinds: Readonly<Record<string, ImageFile['kind'] | undefined>> = {
	file: 'file',
	hardlink: 'file',
	directory: 'folder',
	symlink: 'link',
};

function readKubeadm(text: string | undefined, shown: string): readonly KubeadmDocument[] {
	if (text === undefined) return [];
	const documents = parseYaml(text, shown);
	checkValues(documents, shown);
	return documents.map(document => {
		const {apiVersion, kind} = (typeof document === 'object' ? document : {}) as Partial<KubeadmDocument>;
		if (typeof apiVersion === 'string' && (documentKinds as readonly unknown[]).includes(kind))
			return document as KubeadmDocument;
		throw new SealError(
			'ERR_KUBEADM_DOCUMENT',
			`${shown} has a document of kind ${JSON.stringify(kind ?? 'none').slice(0, 100)}`,
			{hint: `Known are ${documentKinds.join(', ')}.`},
		);
	});
}

/** Aliases of YAML make a small text a value without end, once it is written as JSON. */
function checkValues(documents: readonly unknown[], shown: string): void {
	const pending = [...documents];
	for (let count = 0; pending.length > 0; count++) {
		if (count > limits.values) throw new SealError('ERR_YAML', `${shown} holds more than ${limits.values} values`);
		const value = pending.pop();
		if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) pending.push(item);
	}
}

/** A hint, no more: whatever else is in the list does not matter here. */
function apiServerOf(lock: string | undefined): string | undefined {
	return lock === undefined ? undefined : /\/kube-apiserver:(v1\.\d{1,3}\.\d{1,3}[\w.-]*)"/.exec(lock)?.[1];
}
