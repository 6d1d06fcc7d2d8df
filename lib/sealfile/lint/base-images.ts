import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {ImageSource} from '../../oci/content.js';
import {resolvePlatform} from '../../oci/image.js';
import {formatPlatform, hostPlatform, type Platform, parsePlatform} from '../../oci/platform.js';
import {SealfileError} from '../error.js';
import {openHeader} from '../evaluate/scope.js';
import {type ResolvedStage, resolveStages} from '../evaluate/stage-graph.js';
import {groupStages} from '../evaluate/stages.js';
import type {SealfileTree} from '../syntax.js';
import type {Rule} from './rule.js';

export interface BaseLintOptions extends Abortable {
	/** What would be built. Default: for the platform of this machine. */
	readonly platforms?: readonly Platform[] | undefined;
}

const invalidPlatform: Pick<Rule, 'name' | 'description'> = {
	name: 'InvalidBaseImagePlatform',
	description: 'A base image should be for the platform of its stage.',
};

/** The checks of base images, for a list of rules. */
export const baseImageRules: readonly Pick<Rule, 'name' | 'description'>[] = [invalidPlatform];

/**
 * Looks up base images in a store. Of an image that is not there nothing is known, and nothing is said.
 * @returns for `lintSealfile`: the checks that need them
 */
export async function lintBases(
	tree: SealfileTree,
	store: ImageSource,
	{platforms = [hostPlatform()], ...options}: BaseLintOptions = {},
): Promise<readonly Rule[]> {
	const known = new Map<string, Promise<readonly string[] | undefined>>();
	const others = (reference: string, platform: Platform): Promise<readonly string[] | undefined> => {
		const key = `${formatPlatform(platform)} ${reference}`;
		const found = known.get(key) ?? otherPlatforms(store, reference, platform, options);
		known.set(key, found);
		return found;
	};
	const wrong = new Map<string, Foreign>();
	for (const target of platforms) {
		for (const {from, base, platform} of expandedStages(tree, target)) {
			if (base.kind !== 'image') continue;
			const expected = platform === undefined ? target : parsePlatform(platform);
			const found = await others(base.reference, expected);
			if (found === undefined) continue;
			const foreign = {from, reference: base.reference, expected: formatPlatform(expected), found};
			wrong.set(`${from.range.startLine} ${foreign.expected}`, foreign);
		}
	}
	return [
		{
			...invalidPlatform,
			*check(file) {
				for (const {from, reference, expected, found} of wrong.values()) {
					yield {
						message: `Base image ${reference} was pulled with platform "${found.join(', ')}", expected "${expected}" for current build`,
						hint: `Pull it for ${expected}, or choose what is built with --platform.`,
						range: file.wordRange(from, text => text === from.image),
					};
				}
			},
		},
	];
}

interface Foreign {
	readonly from: ResolvedStage['from'];
	readonly reference: string;
	readonly expected: string;
	readonly found: readonly string[];
}

/** With the defaults of its arguments; none where a line cannot be read, which other checks say. */
function expandedStages(tree: SealfileTree, targetPlatform: Platform): readonly ResolvedStage[] {
	const {globalArgs, stages} = groupStages(tree);
	try {
		const build = {buildArgs: new Map<string, string>(), buildPlatform: hostPlatform(), targetPlatform};
		return resolveStages(stages, openHeader(globalArgs, build, tree), tree);
	} catch (error) {
		if (error instanceof SealfileError) return [];
		throw error;
	}
}

/** What an image is for that is not for `wanted`; undefined when it is, and when it cannot be known. */
async function otherPlatforms(
	store: ImageSource,
	reference: string,
	wanted: Platform,
	options: Abortable,
): Promise<readonly string[] | undefined> {
	try {
		await resolvePlatform(store, await store.resolve(reference, options), wanted, options);
		return undefined;
	} catch (error) {
		if (!isSealError(error)) throw error;
		const platforms = error.code === 'ERR_PLATFORM' ? error.details.platforms : [];
		return Array.isArray(platforms) && platforms.length > 0 ? platforms.map(String) : undefined;
	}
}
