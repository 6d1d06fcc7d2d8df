import {createToken} from '../../lib/runtime/state/token.js';
import {clusterOperand} from '../clusters.js';
import {defineCommand} from '../command.js';
import {readDuration} from '../duration.js';
import {hostHelp, loginFlags} from '../host-flags.js';
import {withLiveMaster} from '../live-master.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Makes a token that lets hosts join a cluster by hand, and prints the command to run there. It is printed once and kept nowhere. Hosts that sealimage adds need none: "add" joins them with certificates of their own. A host that is joined by hand must reach the address in the command by itself: on the hosts of sealimage the load balancer leads there. ${hostHelp}`,
	operands: [clusterOperand],
	flags: {
		...loginFlags,
		ttl: {type: 'string', value: 'TIME', default: '2h', help: 'how long the token can be used'},
	},
	examples: [
		{about: 'A command to run on the host', line: 'sealimage token prod'},
		{
			about: 'The token alone, for a quarter of an hour',
			line: 'sealimage token prod --ttl 15m --output json | jq -r .token',
		},
	],
	async run({operands, flags}, context) {
		const {ttl, ...login} = flags;
		const ttlSeconds = Math.round(readDuration('--ttl', ttl) / 1000);
		if (ttlSeconds < 1) throw new UsageError('--ttl is at least 1s: a token without an end opens the cluster for ever');
		return await withLiveMaster(operands[0], login, context, async ({transport}) => {
			const {signal} = context;
			const {command: line, token, endpoint, authority} = await createToken(transport, {ttlSeconds, signal});
			return {
				json: {command: line.reveal(), token: token.reveal(), endpoint, authority, ttlSeconds},
				text: () => `${line.reveal()}\n`,
			};
		});
	},
});
