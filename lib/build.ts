import {embedEntries} from './registry/embed/layer.js';
import {openEmbedded} from './registry/embed/open-embedded.js';
import {planEmbed} from './registry/embed/plan.js';
import {buildImage} from './sealfile/build/build.js';
import type {BuildOptions, BuildResult} from './sealfile/build/options.js';

/**
 * Builds a Sealfile into an image, or an index of images, in a store; see `BuildOptions`. This is where the build meets
 * the registry layout: `sealfile` knows only the interface.
 * @throws SealfileError with diagnostics; SealError with `details.line` for what a step ran into
 */
export async function build(options: BuildOptions): Promise<BuildResult> {
	return buildImage(options, {
		open: openEmbedded,
		plan: (images, lower, plan) => planEmbed(images, {...plan, lower}),
		entries: embedEntries,
	});
}
