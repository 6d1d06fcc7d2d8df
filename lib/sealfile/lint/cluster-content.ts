import type {Abortable} from '../../core/events.js';
import {parseReference, shortReference} from '../../oci/reference.js';
import type {TreeFile, TreeFiles} from '../../oci/tree/files.js';
import type {Diagnostic} from '../diagnostic.js';
import type {ListProblem} from '../discover/lists.js';
import type {Discovery, FoundImage, FoundPlace} from '../discover/types.js';

/** A finding in a file of the image, before the line is shown with it. */
export interface ContentFinding {
	readonly severity: Diagnostic['severity'];
	readonly code: string;
	readonly message: string;
	readonly hint?: string | undefined;
	readonly file: string;
	readonly line?: number | undefined;
}

/** References that mean another image tomorrow. */
export function* tagFindings({images}: Discovery): Generator<ContentFinding> {
	for (const image of images) {
		const {tag, digest, path} = parseReference(image.name);
		if (digest !== undefined || tag !== 'latest') continue;
		const isWritten = /:latest$/.test(image.reference);
		for (const place of image.foundIn) {
			yield at(place, {
				code: isWritten ? 'EmbeddedLatest' : 'EmbeddedTagMissing',
				message: isWritten
					? `${image.reference} is another image from time to time`
					: `${image.reference} has no tag, so latest is meant`,
				hint: `Name a version, as in ${path.split('/').at(-1)}:1.2.3, or build with --lock.`,
			});
		}
	}
}

/** Archives whose image goes into the embedded registry too. */
export function* archiveFindings({archives}: Discovery): Generator<ContentFinding> {
	for (const {path, name, foundIn} of archives) {
		yield at(foundIn, {
			code: 'ArchiveCarriedTwice',
			message: `The image carries ${shortReference(name)} twice: in the archive ${path} and in its embedded registry`,
			hint: 'Load the archive into the store, list the image under images/shim, and leave the archive out.',
		});
	}
}

/** Objects that will ask for an image which the cluster image does not bring. */
export function* missingFindings(images: readonly FoundImage[], why: string): Generator<ContentFinding> {
	for (const image of images) {
		for (const place of image.foundIn) {
			yield at(place, {
				code: 'ImageNotEmbedded',
				message: `${image.reference} is not embedded: ${why}`,
				hint: 'Make sure that the hosts can pull it, or embed it.',
			});
		}
	}
}

/** Programs and scripts that cannot be run as they are. */
export function* runBitFindings(files: readonly TreeFile[], scripts: ReadonlySet<string>): Generator<ContentFinding> {
	for (const {path, mode} of files) {
		if ((mode & 0o111) !== 0 || !(scripts.has(path) || /^bin\/[^/]+$/.test(path))) continue;
		yield {
			severity: 'warning',
			code: 'RunBitMissing',
			message: `${path} is not executable`,
			hint: `Run "chmod +x ${path}", or COPY it with --chmod=755.`,
			file: path,
		};
	}
}

/** Paths of files in `scripts/`, `bin/` and `opt/` that begin with `#!`. */
export async function findScripts(
	listing: readonly TreeFile[],
	files: TreeFiles,
	options: Abortable,
): Promise<ReadonlySet<string>> {
	const candidates = listing.filter(
		({path, sizeBytes}) => /^(?:scripts|bin|opt)\//.test(path) && sizeBytes <= maxScriptBytes,
	);
	const scripts = new Set<string>();
	const paths = candidates.map(({path}) => path);
	for await (const {path, bytes} of files.read(paths, {...options, limitBytes: maxScriptBytes}))
		if (bytes[0] === 0x23 && bytes[1] === 0x21) scripts.add(path);
	return scripts;
}

export function problemFindings(problems: readonly ListProblem[]): readonly ContentFinding[] {
	return problems.map(({path, line, text, reason}) => ({
		severity: 'error',
		code: 'ImageListInvalid',
		message: `${JSON.stringify(text.slice(0, 120))} cannot be embedded: ${reason}`,
		hint: 'Write one [registry/]repository[:tag][@sha256:digest] per line.',
		file: path,
		line,
	}));
}

/** Scripts are text that people write. */
const maxScriptBytes = 1024 * 1024;

function at({path, line}: FoundPlace, finding: Omit<ContentFinding, 'file' | 'line' | 'severity'>): ContentFinding {
	return {severity: 'warning', ...finding, file: path, ...(line === undefined ? {} : {line})};
}
