import {defineCommand} from '../command.js';
import {verbs} from '../commands.js';
import {findVerb} from '../find-verb.js';
import {globalFlags} from '../global-flags.js';
import {commandHelp, groupHelp, overviewHelp} from '../help.js';

export const command = defineCommand({
	operands: [
		{name: 'COMMAND', help: 'the command; all commands without it', optional: true, variadic: true, completes: 'verb'},
	],
	flags: {},
	examples: [{about: 'The flags of one command', line: 'sealimage help manifest add'}],
	async run({operands}, {style, width}) {
		const {verb, group} = findVerb(operands, verbs, globalFlags);
		const shown = Math.min(width, 120);
		const loaded = await verb?.load();
		const page =
			verb !== undefined && loaded !== undefined
				? commandHelp(verb, loaded, style, shown)
				: group === undefined
					? overviewHelp(verbs, style, shown)
					: groupHelp(group, verbs, style, shown);
		const names = verbs
			.filter(item => item.hidden !== true)
			.map(({name, summary, aliases = []}) => ({name, summary, aliases}));
		return {
			json:
				loaded === undefined
					? {commands: names}
					: {name: verb?.name, flags: loaded.flags, operands: loaded.operands, examples: loaded.examples},
			text: () => page,
		};
	},
});
