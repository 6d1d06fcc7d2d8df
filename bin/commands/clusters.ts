import type {KnownCluster} from '../../lib/runtime/state/cache.js';
import {clusterCache} from '../clusters.js';
import {defineCommand} from '../command.js';
import {renderTable} from '../render/table.js';
import {formatAge} from '../render/units.js';

export const command = defineCommand({
	description:
		'Lists the clusters that this machine knows: what "run" and "apply" made, and what was imported. What is known is a copy: each cluster keeps its own state, in itself and on every master, so a machine that is lost takes no cluster with it. Nothing is asked of hosts; "status" does that.',
	operands: [],
	flags: {},
	examples: [
		{about: 'Which clusters are known?', line: 'sealimage clusters'},
		{
			about: 'Their masters, for a script',
			line: "sealimage clusters --output json | jq -r '.[] | [.name, .masters[]] | @tsv'",
		},
	],
	async run(_input, context) {
		const known = await clusterCache(context).list();
		if (known.length === 0 && !context.quiet && context.settings.output.value !== 'json') context.note(noneKnown);
		return {
			json: known.map(jsonOf),
			text: () =>
				known.length === 0
					? ''
					: renderTable(
							[
								{title: 'NAME'},
								{title: 'VERSION'},
								{title: 'MASTERS', align: 'right'},
								{title: 'NODES', align: 'right'},
								{title: 'LAST SEEN'},
								{title: 'ID'},
							],
							known.map(cluster => rowOf(cluster, context.io.now())),
							context.style,
						),
		};
	},
});

const noneKnown =
	'No cluster is known on this machine. Make one with "sealimage run", or take one from a master of it with "sealimage clusters import --host MASTER".';

function jsonOf({name, state, seenAtMs}: KnownCluster): Readonly<Record<string, unknown>> {
	const seenAt = new Date(seenAtMs).toISOString();
	if (state === undefined) return {name, seenAt, damaged: true};
	const {id, version, hosts, images} = state.setting;
	return {
		name,
		id,
		version: version.text,
		generation: state.generation,
		masters: hosts.filter(({isMaster}) => isMaster).map(host => host.name),
		nodes: hosts.filter(({isMaster}) => !isMaster).map(host => host.name),
		images: images.map(image => image.name),
		seenAt,
	};
}

function rowOf({name, state, seenAtMs}: KnownCluster, nowMs: number): string[] {
	const seen = formatAge(new Date(seenAtMs).toISOString(), nowMs);
	if (state === undefined) return [name, 'damaged', '', '', seen, ''];
	const {id, version, hosts} = state.setting;
	const masters = hosts.filter(({isMaster}) => isMaster).length;
	return [name, version.text, String(masters), String(hosts.length - masters), seen, id];
}
