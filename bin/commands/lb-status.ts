import {defineCommand} from '../command.js';
import {balancerFlags, reportNode} from '../node-balancer.js';
import {renderBalancer} from '../render/balancer.js';

export const command = defineCommand({
	description:
		'Shows how the load balancer of this machine stands: each member with its phase, since when, its last error and its connections, and whether routes and settings are as they should be. Without a running balancer it shows what the kernel has. Needs root. On other machines: sealimage exec --hosts HOST... -- /opt/sealimage/bin/sealimage-agent lb status. Exit code 1 when something is not as it should be.',
	operands: [],
	flags: balancerFlags,
	examples: [{about: 'How does it stand?', line: 'sealimage lb status'}],
	async run({flags}, {style}) {
		const report = await reportNode(flags.config);
		const isWell =
			report.inKernel && report.failure === undefined && report.members.some(({weight}) => (weight ?? 0) > 0);
		return {json: report, text: () => renderBalancer(report, style), exitCode: isWell ? 0 : 1};
	},
});
