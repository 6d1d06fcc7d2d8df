import {listRunLogs, readRunLog} from '../../lib/runtime/state/run-log.js';
import {clusterCache, clusterOperand, onlyCluster} from '../clusters.js';
import {defineCommand} from '../command.js';
import {renderRunLog} from '../render/run-log.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Shows what was done to a cluster from this machine: the log of the last run, or of another one. It has every step with its times, what programs on hosts wrote, warnings and errors; secrets are not in it. Logs are in the folder of the cluster (setting clusters), one JSON document a line; the newest fifty are kept.',
	operands: [clusterOperand],
	flags: {
		run: {type: 'string', value: 'ID', help: 'the run to show (default: the last one)'},
		list: {type: 'boolean', help: 'list the runs that have a log instead'},
	},
	examples: [
		{about: 'What did the last run do?', line: 'sealimage logs prod'},
		{about: 'Which runs were there?', line: 'sealimage logs prod --list'},
		{
			about: 'What failed, for a script',
			line: 'sealimage logs prod --output json | jq \'map(select(.type == "action.failed"))\'',
		},
	],
	async run({operands: [operand], flags}, context) {
		const cache = clusterCache(context);
		const name = operand ?? (await onlyCluster(cache));
		const folder = cache.logFolder(name);
		const ids = await listRunLogs(folder);
		if (flags.list) return {json: ids, text: () => ids.map(id => `${id}\n`).join('')};
		const id = flags.run ?? ids.at(-1);
		if (id === undefined) {
			throw new UsageError(`No run of "${name}" has a log on this machine`, {
				code: 'ERR_RUN_LOG',
				hint: 'Logs are kept where "run", "apply", "add", "delete" and "reset" were started.',
			});
		}
		const lines = await readRunLog(folder, id);
		return {json: lines, text: () => renderRunLog(lines, context.style)};
	},
});
