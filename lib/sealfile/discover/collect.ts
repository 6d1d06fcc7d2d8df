import {isSealError} from '../../core/errors.js';
import {formatReference, parseReference} from '../../oci/reference.js';
import type {ImageMention} from './image-walk.js';
import type {ManifestReport} from './manifest-text.js';
import type {IgnoreRule} from './sealignore.js';
import type {DiscoveryWarning, FoundImage, FoundPlace} from './types.js';

/** What the readers of manifests, charts and lists hand their findings to. */
export interface Collector {
	warn(warning: DiscoveryWarning): void;
	/** False when the text is no reference. */
	add(reference: string, place: FoundPlace): boolean;
	/** A reporter for the manifest at `path`; `quiet` drops warnings that the caller sums up itself. */
	reportFor(path: string, options?: {readonly quiet?: boolean; readonly detail?: string}): ManifestReport;
	images(): readonly FoundImage[];
	/** In order of file and line. */
	warnings(): readonly DiscoveryWarning[];
}

/** Gathers images under their normalised names, with every place that names them. */
export function createCollector(): Collector {
	const images = new Map<string, Places>();
	const warnings: DiscoveryWarning[] = [];
	const warn = (warning: DiscoveryWarning): void => {
		warnings.push(warning);
	};
	const add = (reference: string, place: FoundPlace): boolean => {
		const name = nameOf(reference);
		if (name === undefined) return false;
		const places: Places = images.get(name) ?? new Map();
		images.set(name, places.set(`${place.path}:${place.line ?? ''}:${place.detail ?? ''}`, {reference, place}));
		return true;
	};
	const reportFor: Collector['reportFor'] = (path, {quiet = false, detail} = {}) => ({
		mention(mention) {
			if (mention.sure === 'likely' && !looksComplete(mention.text)) return;
			const likely = mention.sure === 'likely' ? ({likely: true} as const) : {};
			const place: FoundPlace = {path, ...lineOf(mention), ...detailOf(mention, detail), ...likely};
			if (add(mention.text, place) || quiet || mention.sure === 'likely') return;
			warn({
				code: 'ImageReferenceInvalid',
				message: `${JSON.stringify(shorten(mention.text))} is not an image reference and is not embedded`,
				hint: 'Correct it, or list the image that is meant in a file under images/shim.',
				file: path,
				...lineOf(mention),
			});
		},
		dynamic(text, line) {
			if (quiet) return;
			warn({
				code: 'ImageReferenceTemplate',
				message: `The image in ${JSON.stringify(shorten(text))} is known only at run time and is not embedded`,
				hint: 'List the image in a file under images/shim, or give the variable a default with ENV.',
				file: path,
				line,
			});
		},
		unreadable(line, reason) {
			if (quiet) return;
			warn({
				code: 'ManifestUnreadable',
				message: `The document is not valid YAML (${shorten(reason)}); only its lines with "image:" were read`,
				file: path,
				line,
			});
		},
	});
	return {
		warn,
		add,
		reportFor,
		images: () => [...images].map(finish).sort((a, b) => (a.name < b.name ? -1 : 1)),
		warnings: () => warnings.toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b))),
	};
}

/** Leaves out what `.sealignore` names. */
export function applyIgnore(
	images: readonly FoundImage[],
	rules: readonly IgnoreRule[],
): {readonly kept: readonly FoundImage[]; readonly excluded: readonly FoundImage[]} {
	const isExcluded = (image: FoundImage): boolean => rules.findLast(rule => rule.matches(image))?.exclude === true;
	return {kept: images.filter(image => !isExcluded(image)), excluded: images.filter(isExcluded)};
}

type Places = Map<string, {readonly reference: string; readonly place: FoundPlace}>;

/** Files are read in any order, so everything is put in order here. */
function finish([name, places]: [string, Places]): FoundImage {
	const sorted = [...places.values()].sort((a, b) => comparePlaces(a.place, b.place));
	return {reference: sorted[0]?.reference ?? name, name, foundIn: sorted.map(({place}) => place)};
}

function comparePlaces(a: FoundPlace, b: FoundPlace): number {
	if (a.path !== b.path) return a.path < b.path ? -1 : 1;
	return (a.line ?? 0) - (b.line ?? 0) || ((a.detail ?? '') < (b.detail ?? '') ? -1 : 1);
}

function nameOf(reference: string): string | undefined {
	try {
		return formatReference(parseReference(reference));
	} catch (error) {
		if (isSealError(error)) return undefined;
		throw error;
	}
}

function placeOf(warning: DiscoveryWarning): FoundPlace {
	return {path: warning.file, line: warning.line, detail: warning.message};
}

/** A flag or variable counts only when it names a repository with a path and a tag or digest. */
function looksComplete(text: string): boolean {
	const slash = text.lastIndexOf('/');
	return slash > 0 && !text.includes('://') && /[:@]/.test(text.slice(slash));
}

function lineOf({line}: ImageMention): {readonly line?: number} {
	return line === undefined ? {} : {line};
}

function detailOf(mention: ImageMention, outer: string | undefined): {readonly detail?: string} {
	const detail = [outer, mention.detail].filter(part => part !== undefined).join(', ');
	return detail === '' ? {} : {detail};
}

function shorten(text: string): string {
	return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
