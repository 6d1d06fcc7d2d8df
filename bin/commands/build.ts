import {writeFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {build} from '../../lib/build.js';
import type {EventListener} from '../../lib/core/events.js';
import {formatPlatform} from '../../lib/oci/platform.js';
import {shortReference} from '../../lib/oci/reference.js';
import type {Store} from '../../lib/oci/store/store.js';
import {planBuild} from '../../lib/sealfile/build/build.js';
import type {BuildOptions, BuildResult} from '../../lib/sealfile/build/options.js';
import {findHelm} from '../../lib/sealfile/discover/helm.js';
import {buildFlags} from '../build-flags.js';
import {readBuildRequest} from '../build-request.js';
import {defineCommand, type FlagValues, type Result} from '../command.js';
import type {Context} from '../context.js';
import {lazyRegistries} from '../lazy-registries.js';
import {once} from '../once.js';
import {renderPlan} from '../render/build-plan.js';
import {count, formatBytes} from '../render/units.js';
import {type Destination, readDestination, saveImages} from '../save-images.js';
import {withStore} from '../store.js';

export const command = defineCommand({
	description:
		'Builds an OCI image: a plain container image, or a cluster image that embeds every container image it needs. The Sealfile is written in the Dockerfile language. The digest of the result is printed alone with --quiet.',
	operands: [{name: 'CONTEXT', help: 'the folder that COPY and ADD read', completes: 'folder'}],
	flags: buildFlags,
	examples: [
		{about: 'An image for this machine', line: 'sealimage build -t shop:v1 .'},
		{
			about: 'For two architectures, as one archive',
			line: 'sealimage build -t shop:v1 --platform linux/amd64,linux/arm64 -o oci-archive:shop.tar .',
		},
		{about: 'What would be built, and why?', line: 'sealimage build --dry-run --output json .'},
		{
			about: 'Only what the lock file of the last release lists',
			line: 'sealimage build -t shop:v1.1 --lock images/lock.json .',
		},
	],
	async run({operands, flags}, context) {
		const request = await readBuildRequest(flags, operands[0]!, context);
		const destination = flags.dest === undefined ? undefined : readDestination('--dest', flags.dest, context.io.cwd);
		const registries = lazyRegistries(flags, context);
		try {
			return await withStore(context, async store => {
				const {signal, onEvent} = context;
				const helm = flags['save-image']
					? once(() => findHelm({tempDir: store.tempDir, env: context.io.env, signal}))
					: undefined;
				const agent = flags.agent ? agentFor(flags, context) : undefined;
				const options = {...request, store, sources: [registries.source], helm, agent, signal, onEvent};
				if (flags['dry-run']) {
					// Steps that are only thought through are in the plan; what is fetched for it is progress.
					const fetched: EventListener = event => {
						if (!event.type.startsWith('step.')) onEvent(event);
					};
					const plan = await planBuild({...options, onEvent: fetched});
					return {json: plan, text: () => renderPlan(plan, context.style)};
				}
				const built = await build(options);
				await keep(store, built, destination, context);
				if (flags.iidfile !== undefined)
					await writeFile(resolve(context.io.cwd, flags.iidfile), built.descriptor.digest, {signal});
				return resultOf(built, context);
			});
		} finally {
			await registries.close();
		}
	},
});

/** The agent's code is loaded when a rootfs image wants it. */
function agentFor(flags: FlagValues<typeof buildFlags>, context: Context): BuildOptions['agent'] {
	return async platform => {
		const [{agentPlatforms, openBundle}, {agentSource}] = await Promise.all([
			import('../../lib/runtime/agent/bundle/bundle.js'),
			import('../agent-source.js'),
		]);
		const name = formatPlatform(platform);
		return agentPlatforms.includes(name) ? await openBundle(name, agentSource(flags, context)) : undefined;
	};
}

/** An image without a name is kept under its digest, so that it can be named later; prune removes it. */
async function keep(
	store: Store,
	{descriptor, tags}: BuildResult,
	destination: Destination | undefined,
	context: Context,
): Promise<void> {
	if (tags.length === 0) await store.tag(descriptor.digest, descriptor, {signal: context.signal});
	if (destination !== undefined) await saveImages(store, [{descriptor, names: tags}], destination, undefined, context);
}

function resultOf(built: BuildResult, context: Context): Result {
	const platforms = built.platforms.map(({platform, manifest, config, layers, images}) => ({
		platform: formatPlatform(platform),
		digest: manifest.digest,
		config,
		sizeBytes: layers.reduce((sum, layer) => sum + layer.descriptor.size, 0),
		layers: layers.map(({descriptor, diffID}) => ({
			digest: descriptor.digest,
			diffID,
			mediaType: descriptor.mediaType,
			sizeBytes: descriptor.size,
		})),
		images,
	}));
	const {digest, mediaType} = built.descriptor;
	return {
		json: {digest, mediaType, names: built.tags, platforms, diagnostics: built.diagnostics},
		text: () =>
			context.quiet
				? digest
				: [
						...(built.tags.length === 0 ? [digest] : built.tags.map(tag => `${shortReference(tag)} is ${digest}`)),
						...platforms.map(
							({platform, sizeBytes, layers, images}) =>
								`  ${platform}: ${formatBytes(sizeBytes)} in ${count(layers.length, 'layer')}${images.length > 0 ? `, ${count(images.length, 'image')} embedded` : ''}`,
						),
					].join('\n'),
	};
}
