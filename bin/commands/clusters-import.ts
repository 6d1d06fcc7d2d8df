import {importState} from '../../lib/runtime/state/find.js';
import {withLogin} from '../../lib/runtime/state/reach.js';
import {clusterCache} from '../clusters.js';
import {defineCommand} from '../command.js';
import {hostHelp, loginFlags} from '../host-flags.js';
import {reachHosts} from '../reach.js';
import {renderFields} from '../render/table.js';
import {count} from '../render/units.js';
import {UsageError} from '../usage-error.js';
import {readVersion} from '../version.js';

export const command = defineCommand({
	description: `Takes what a master knows of its cluster, so that this machine can carry on with it: from the copy on the master, or from the one in the cluster. When both are lost, hosts, networks and version are found again by asking; the images and what was run are not, and the next "apply" or "run" brings them back. How hosts are reached is remembered as the cluster has it, with the login that is given here; passwords are not remembered. ${hostHelp}`,
	operands: [],
	flags: {
		...loginFlags,
		host: {type: 'string', value: 'HOST', help: 'a master of the cluster (required)', completes: 'host'},
	},
	examples: [
		{about: 'The machine that made the cluster is gone', line: 'sealimage clusters import --host 10.0.0.5'},
		{about: 'With a key and another user', line: 'sealimage clusters import --host ops@10.0.0.5 -i ~/.ssh/cluster'},
	],
	async run({flags}, context) {
		const {host, ...login} = flags;
		if (host === undefined) throw new UsageError('--host is missing', {hint: 'Name a master of the cluster.'});
		const {hosts, open, options} = await reachHosts({...login, masters: [host]}, [], context);
		const [master, second] = hosts;
		if (master === undefined || second !== undefined)
			throw new UsageError(`--host names ${count(hosts.length, 'host')}, and one is asked`);
		const cache = clusterCache(context);
		const {signal, onEvent} = options;
		const found = await importState(master, open, {signal, onEvent, version: readVersion()});
		const {name, id, hosts: members, version, images} = found.state.setting;
		// A copy that is damaged is what people import for.
		const before = await cache.read(name).catch(() => undefined);
		await cache.write(withLogin(found.state, master, before));
		const names = (isMaster: boolean): string[] =>
			members.filter(member => member.isMaster === isMaster).map(member => member.name);
		return {
			json: {name, id, version: version.text, from: found.from, masters: names(true), nodes: names(false)},
			text: () =>
				renderFields(
					[
						['Cluster', `${name} (${id})`],
						['Kubernetes', version.text],
						['Masters', names(true).join(', ')],
						['Nodes', names(false).join(', ')],
						['Images', images.map(image => image.name).join(', ')],
						['Taken from', sources[found.from]],
					],
					context.style,
				),
		};
	},
});

const sources = {
	master: 'the copy on the master',
	cluster: 'the copy in the cluster',
	rebuilt: 'what is there: no copy was left, so images and what was run are not known',
} as const;
