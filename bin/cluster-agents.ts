import {hasCode} from '../lib/core/errors.js';
import {createAgentInstaller} from '../lib/runtime/agent/bootstrap.js';
import {type AgentBundle, openBundle} from '../lib/runtime/agent/bundle/bundle.js';
import {bundleFromImages} from '../lib/runtime/agent/bundle/from-image.js';
import type {AgentSource, OperateOptions} from '../lib/runtime/lifecycle/operate-request.js';
import type {agentFlags} from './agent-flags.js';
import {agentSource} from './agent-source.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {sharedBy} from './shared-by.js';

/** The agent that an image carries, else what flags and settings say; hosts pass it on to each other. */
export function clusterAgents(
	flags: FlagValues<typeof agentFlags>,
	store: OperateOptions['store'],
	context: Context,
): (images: readonly string[]) => AgentSource {
	const {signal, onEvent} = context;
	const source = agentSource(flags, context);
	const inImages = async (platform: string, images: readonly string[]): Promise<AgentBundle | undefined> => {
		for (const image of images) {
			try {
				const found = await bundleFromImages(platform, [image], store, {...source, signal, onEvent});
				if (found !== undefined) return found;
			} catch (error) {
				// To take a cluster away its images need not be at hand.
				if (!hasCode(error, 'ERR_IMAGE_UNKNOWN') && !hasCode(error, 'ERR_PLATFORM')) throw error;
			}
		}
		return undefined;
	};
	return images => {
		const bundle = sharedBy(
			async (platform: string): Promise<AgentBundle> =>
				(source.agentDir === undefined ? await inImages(platform, images) : undefined) ??
				(await openBundle(platform, source)),
		);
		const installer = createAgentInstaller({bundle, cacheDir: source.cacheDir, signal});
		return {
			agentBundle: bundle,
			async installAgent(transport) {
				await installer.install(transport);
			},
			close: () => installer.close(),
		};
	};
}
