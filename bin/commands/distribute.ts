import {createAgentInstaller} from '../../lib/runtime/agent/bootstrap.js';
import {type AgentBundle, openBundle} from '../../lib/runtime/agent/bundle/bundle.js';
import {bundleFromImages} from '../../lib/runtime/agent/bundle/from-image.js';
import {type Distributed, distribute} from '../../lib/runtime/distribute/distribute.js';
import {previewDistribution} from '../../lib/runtime/distribute/preview.js';
import type {DistributeOptions} from '../../lib/runtime/distribute/run.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {agentFlags} from '../agent-flags.js';
import {agentSource} from '../agent-source.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderDistributed, renderPreview} from '../render/distributed.js';
import {sharedBy} from '../shared-by.js';
import {withStore} from '../store.js';

export const command = defineCommand({
	description: `Brings images of the store to hosts and unpacks them below /var/lib/sealimage. Each host gets what it lacks, for its own platform; layers of the embedded registry go to hosts with the role master or registry, and to hosts of which no role is known. Hosts pass content on to each other, verified at every step, so that little more than one copy leaves this machine; a host that reaches no other is served from here. The agent is installed first where it is missing: the one that an image carries, else as "agent install" does. A run that was cut goes on where it ended when it is started again. ${hostHelp}`,
	operands: [
		{name: 'IMAGE', help: 'names, digests or short digests of images in the store', variadic: true, completes: 'image'},
	],
	flags: {
		'dry-run': {type: 'boolean', help: 'show what each host lacks, and change nothing'},
		install: {type: 'boolean', default: true, help: 'install the agent on hosts that have none'},
		...hostLoginFlags,
		...agentFlags,
	},
	examples: [
		{
			about: 'All hosts of a cluster to be',
			line: 'sealimage distribute kubernetes:v1.30 --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.4-10.0.0.90',
		},
		{about: 'What an upgrade would move', line: 'sealimage distribute --dry-run kubernetes:v1.31 --cluster default'},
	],
	async run({operands, flags}, context) {
		const {hosts, open, options} = await reachHosts(flags, [], context);
		const {style, quiet} = context;
		const startedMs = performance.now();
		return await withStore(context, async store => {
			const request: DistributeOptions = {...options, images: operands, hosts, open, store};
			if (flags['dry-run']) {
				const preview = await previewDistribution(request);
				return {
					json: {
						hosts: preview.outcomes.map(one => outcomeJson(one, value => ({...value}))),
						sentBytes: preview.sentBytes,
					},
					text: () => renderPreview(preview, style),
					exitCode: reportHosts(preview.outcomes, performance.now() - startedMs, context),
				};
			}
			const {signal, onEvent} = options;
			const source = agentSource(flags, context);
			const bundle = sharedBy(
				async (platform: string): Promise<AgentBundle> =>
					(source.agentDir === undefined
						? await bundleFromImages(platform, operands, store, {...options, ...source})
						: undefined) ?? (await openBundle(platform, source)),
			);
			const installer = createAgentInstaller({bundle, cacheDir: source.cacheDir, signal});
			const installAgent = async (transport: Transport): Promise<void> => {
				const step = {id: `agent ${transport.host}`, title: `Install the agent on ${transport.host}`};
				onEvent?.({type: 'step.started', ...step});
				const started = performance.now();
				const {sentBytes} = await installer.install(transport);
				const sizeBytes = sentBytes === 0 ? {} : {sizeBytes: sentBytes};
				onEvent?.({type: 'step.finished', ...step, ...sizeBytes, elapsedMs: performance.now() - started});
			};
			let done: Distributed;
			try {
				done = await distribute(flags.install ? {...request, installAgent, agentBundle: bundle} : request);
			} finally {
				await installer.close();
			}
			return {
				json: {
					hosts: done.outcomes.map(one => outcomeJson(one, value => ({...value}))),
					sentBytes: done.sentBytes,
					elapsedMs: done.elapsedMs,
				},
				text: () => (quiet ? '' : renderDistributed(done, style)),
				exitCode: reportHosts(done.outcomes, done.elapsedMs, context),
			};
		});
	},
});
