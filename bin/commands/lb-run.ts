import {runDaemon} from '../../lib/lb/daemon.js';
import {openNotify, watchdogMs} from '../../lib/lb/notify.js';
import {defineCommand} from '../command.js';
import {balancerFlags} from '../node-balancer.js';
import {balancerLine} from '../render/balancer-line.js';

export const command = defineCommand({
	description:
		'Keeps the way to the API servers open until it is stopped: members are asked every second, a dead one gets no more connections and its old ones are ended, and one that shuts down in order is drained. The file is followed, and the members of the cluster where the file names a kubeconfig. When it stops, the rules stay. Metrics and the status are on 127.0.0.1. Needs root.',
	operands: [],
	flags: balancerFlags,
	examples: [{about: 'By hand, to see what it does', line: 'sealimage lb run --config lb.json'}],
	async run({flags}, context) {
		const {io, signal} = context;
		const notify = await openNotify(io.env.NOTIFY_SOCKET);
		const onEvent = (event: Parameters<typeof balancerLine>[0]): void => {
			const line = balancerLine(event);
			if (line !== undefined) context.note(line);
		};
		await runDaemon(flags.config, {signal, notify, watchdogMs: watchdogMs(io.env.WATCHDOG_USEC), onEvent});
		return undefined;
	},
});
