import type {OperationOptions} from '../../core/events.js';
import type {TreeFile, TreeFiles} from '../../oci/tree/files.js';
import {discoverCharts} from './charts.js';
import {applyIgnore, type Collector, createCollector} from './collect.js';
import type {HelmCommand} from './helm.js';
import {type ImageField, parseImageFields} from './image-fields.js';
import {type ListProblem, readShimList, readSkopeoList, refuseProblems, shimFolder, skopeoList} from './lists.js';
import {readManifest} from './manifest-text.js';
import {parseSealignore} from './sealignore.js';
import type {TemplateData} from './template-expression.js';
import type {Discovery, FoundArchive} from './types.js';

export interface DiscoverOptions extends OperationOptions {
	/** The image's ENV: data of `.tmpl` files, as at run time. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** The label `sealimage.io/image-fields` (see image-fields.ts). */
	readonly imageFields?: string | undefined;
	/** Renders charts; without it values and templates are read. */
	readonly helm?: (() => Promise<HelmCommand | undefined>) | undefined;
	/** The text of a `.sealignore` outside the tree (the build context's), read before the tree's own. */
	readonly ignore?: string | undefined;
}

/** Part of the key under which results are kept: another number whenever equal trees may give other results. */
export const discoveryVersion = 2;

/** Manifests and lists above this are passed over with a warning. */
export const maxManifestFileBytes = 16 * 1024 * 1024;

/**
 * Every container image that the content of a cluster image refers to: manifests, charts, `images/shim` and
 * `images/skopeo/tar.txt`, less what `.sealignore` names. Works on the final tree of an image, or on a context. What
 * cannot be understood is a warning with its place; lines of the lists must be right.
 * @throws SealError ERR_IMAGE_LIST
 */
export async function discoverImages(files: TreeFiles, options: DiscoverOptions = {}): Promise<Discovery> {
	const collector = createCollector();
	const {fields, invalid} = parseImageFields(options.imageFields ?? '');
	for (const word of invalid) {
		collector.warn({
			code: 'ImageFieldInvalid',
			message: `${JSON.stringify(word)} in the label sealimage.io/image-fields names no field`,
			hint: 'Write fields as Kind.key.key, for example Prometheus.spec.baseImage.',
			file: '',
		});
	}
	await discoverManifests(files, collector, fields, options);
	const charts = await discoverCharts(files, collector, {...options, fields});
	const archives = await discoverLists(files, collector, options);
	const rules = [...parseSealignore(options.ignore ?? '')];
	for await (const {text} of readTexts(files, ['.sealignore'], collector, options))
		rules.push(...parseSealignore(text));
	const {kept, excluded} = applyIgnore(collector.images(), rules);
	const names = new Set(kept.map(image => image.name));
	return {
		images: kept,
		archives: archives.filter(archive => names.has(archive.name)),
		excluded,
		charts,
		warnings: collector.warnings(),
	};
}

async function discoverManifests(
	files: TreeFiles,
	collector: Collector,
	fields: readonly ImageField[],
	options: DiscoverOptions,
): Promise<void> {
	const paths = (await files.list('manifests', options)).filter(({path}) => /\.(?:ya?ml|json|tmpl)$/.test(path));
	const env = options.env ?? {};
	const data: TemplateData = {...env, Env: env, Values: env};
	for await (const {path, text} of readTexts(files, readable(paths, collector), collector, options)) {
		options.signal?.throwIfAborted();
		readManifest(text, {template: path.endsWith('.tmpl'), data, fields}, collector.reportFor(path));
	}
}

async function discoverLists(
	files: TreeFiles,
	collector: Collector,
	options: DiscoverOptions,
): Promise<readonly FoundArchive[]> {
	const listing = await files.list('images', options);
	const shims = readable(
		listing.filter(({path}) => path.startsWith(`${shimFolder}/`)),
		collector,
	);
	const problems: ListProblem[] = [];
	for await (const {path, text} of readTexts(files, shims, collector, options))
		problems.push(...readShimList(path, text, collector));
	let archives: readonly FoundArchive[] = [];
	for await (const {text} of readTexts(files, [skopeoList], collector, options)) {
		const root = new Set((await files.list('', options)).map(file => file.path));
		const read = readSkopeoList(text, path => root.has(path), collector);
		archives = read.archives;
		problems.push(...read.problems);
	}
	refuseProblems(problems);
	return archives;
}

function readable(files: readonly TreeFile[], collector: Collector): readonly string[] {
	return files.flatMap(({path, sizeBytes}) => {
		if (sizeBytes <= maxManifestFileBytes) return [path];
		collector.warn({
			code: 'FileTooLarge',
			message: `${path} is longer than ${maxManifestFileBytes} bytes and was not searched for images`,
			file: path,
		});
		return [];
	});
}

/** Files that exist, as text, in any order. */
async function* readTexts(
	files: TreeFiles,
	paths: readonly string[],
	collector: Collector,
	options: OperationOptions,
): AsyncGenerator<{readonly path: string; readonly text: string}> {
	for await (const {path, bytes} of files.read(paths, {...options, limitBytes: maxManifestFileBytes})) {
		const text = new TextDecoder('utf-8').decode(bytes);
		if (text.includes('\0')) {
			collector.warn({
				code: 'ManifestUnreadable',
				message: `${path} is not UTF-8 text and was not searched for images`,
				file: path,
			});
		} else yield {path, text};
	}
}
