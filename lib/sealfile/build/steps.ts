import type {SealError} from '../../core/errors.js';
import type {Compression} from '../../oci/compress/compression.js';
import {readContents} from '../../oci/layer/content.js';
import {lookup, resolvePath} from '../../oci/tree/tree.js';
import type {CopyWarning} from '../copy/types.js';
import {diagnose, type SourceInfo} from '../place.js';
import type {Instruction} from '../syntax.js';
import type {LayerRecord} from './cache.js';
import {type BuildSession, report} from './session.js';
import type {ImageState} from './state.js';

/** Where an instruction stands while it is carried out. */
export interface StepPlace {
	readonly session: BuildSession;
	readonly source: SourceInfo;
	/** Names the step in events. */
	readonly id: string;
	readonly compression: Compression;
	/** The final state of an earlier stage, or of an image, that `--from` names. */
	readonly from: (name: string) => Promise<ImageState>;
	/** Decide, but write nothing. */
	readonly dry: boolean;
}

/** What a step does to a stage. */
export interface StepResult {
	readonly state: ImageState;
	/** The layer that was added, for the root file system of RUN. */
	readonly layer?: LayerRecord | undefined;
	readonly outcome: 'metadata' | 'cached' | 'built' | 'planned';
}

/** The bytes of a small file of a stage, symlinks followed: /etc/passwd and its kind. */
export function fileReader(
	session: BuildSession,
	state: ImageState,
): (path: string) => Promise<Uint8Array | undefined> {
	return async path => {
		const tree = await state.tree();
		const node = lookup(tree, resolvePath(tree, path, {followLast: true}));
		if (node === undefined || node.header.type === 'directory') return undefined;
		const contents = await readContents([node], session.store, 1024 * 1024, {
			...session.operation,
			verified: session.verified,
		});
		return contents.get(node);
	};
}

/** Tells what a step found odd, at the place of its instruction. */
export function reportWarnings(place: StepPlace, at: Instruction, warnings: readonly CopyWarning[]): void {
	for (const {code, message, hint} of warnings) {
		report(place.session, diagnose(at, place.source, {severity: 'warning', code, message, hint}));
	}
}

/** What an error of a step is told about its place. */
export function placeOf(error: SealError, at: Instruction, source: SourceInfo): Record<string, unknown> {
	return {...error.details, file: source.file, line: at.range.startLine, instruction: at.text};
}
