import {closest} from '../../lib/core/closest.js';
import {defineCommand} from '../command.js';
import {completionScript, shells} from '../completion/scripts.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'The script asks sealimage itself for completions, so it never goes out of date: commands, flags, their values, and the names of images in the store.',
	operands: [{name: 'SHELL', help: 'bash, zsh or fish'}],
	flags: {},
	examples: [
		{about: 'For this bash', line: 'source <(sealimage completion bash)'},
		{about: 'For every zsh', line: 'sealimage completion zsh > "$' + '{fpath[1]}/_sealimage"'},
		{about: 'For every fish', line: 'sealimage completion fish > ~/.config/fish/completions/sealimage.fish'},
	],
	async run({operands}) {
		const shell = shells.find(name => name === operands[0]);
		if (shell === undefined) {
			const meant = closest(operands[0] ?? '', shells);
			throw new UsageError(`There is no completion for the shell "${operands[0]}"`, {
				hint: meant === undefined ? `Choose one of ${shells.join(', ')}.` : `Did you mean ${meant}?`,
			});
		}
		const script = completionScript(shell);
		return {json: {shell, script}, text: () => script};
	},
});
