import {resolve} from 'node:path';
import {agentPlatforms, openBundle, writeBundle} from '../../lib/runtime/agent/bundle/bundle.js';
import {agentFlags} from '../agent-flags.js';
import {agentSource} from '../agent-source.js';
import {defineCommand} from '../command.js';
import {formatBytes} from '../render/units.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Brings what the agent consists of besides its script, a Node for hosts, from the npm registry into the cache, with the settings of your own npm. `build` and `agent install` do the same when they need it; afterwards they work without a network. With --to the agent is written to a folder that a machine without npm can be given.',
	operands: [],
	flags: {
		platform: {
			type: 'list',
			separator: ',',
			value: 'PLATFORM',
			choices: agentPlatforms,
			help: 'the platforms of hosts (default: all that there is an agent for)',
			completes: 'platform',
		},
		to: {type: 'string', value: 'DIR', help: 'write the agent to this folder, for --agent-dir', completes: 'folder'},
		...agentFlags,
	},
	examples: [
		{about: 'While there is a network', line: 'sealimage agent fetch'},
		{about: 'For a machine without', line: 'sealimage agent fetch --platform linux/amd64 --to /media/usb/agent'},
		{about: 'There', line: 'sealimage build -t cluster:v1 --agent-dir /media/usb/agent .'},
	],
	async run({flags}, context) {
		const source = agentSource(flags, context);
		const to = flags.to === undefined ? undefined : resolve(context.io.cwd, flags.to);
		if (to !== undefined && to === source.agentDir)
			throw new UsageError('--to and --agent-dir are one folder', {hint: 'Write the agent to another folder.'});
		const fetched: FetchedAgent[] = [];
		for (const platform of flags.platform.length === 0 ? agentPlatforms : new Set(flags.platform)) {
			const bundle = await openBundle(platform, source);
			const folder = to === undefined ? undefined : await writeBundle(bundle, to);
			const sizeBytes = bundle.files.reduce((sum, file) => sum + file.sizeBytes, 0);
			fetched.push({platform, id: bundle.id, node: bundle.manifest.node, sizeBytes, folder});
		}
		return {
			json: {agents: fetched},
			text: () =>
				fetched
					.map(({platform, id, node, sizeBytes, folder}) =>
						[
							`${platform}: agent ${id} with Node ${node}, ${formatBytes(sizeBytes)}`,
							...(folder === undefined ? [] : [`in ${folder}`]),
						].join(', '),
					)
					.join('\n'),
		};
	},
});

interface FetchedAgent {
	readonly platform: string;
	readonly id: string;
	readonly node: string;
	readonly sizeBytes: number;
	readonly folder: string | undefined;
}
