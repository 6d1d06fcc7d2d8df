import type {Command, Verb} from './command.js';

/** Every verb, in the order of the help page. Each command's own file is loaded when it runs. */
export const verbs: readonly Verb[] = [
	verb('Images', 'images', 'List the images of the store', async () => import('./commands/images.js'), ['ls']),
	verb('Images', 'history', 'Show the steps that made an image', async () => import('./commands/history.js')),
	verb('Images', 'tag', 'Give an image another name', async () => import('./commands/tag.js')),
	verb('Other', 'config', 'Show every setting and where it comes from', async () => import('./commands/config.js')),
	verb('Other', 'completion', 'Print a completion script for a shell', async () => import('./commands/completion.js')),
	verb('Other', 'version', 'Show the versions of sealimage and of what it runs on', async () => import('./commands/version.js')),
	verb('Other', 'help', 'Show help for a command', async () => import('./commands/help.js')),
	{...verb('Other', '__complete', 'Print completions for a command line', async () => import('./commands/complete.js')), hidden: true},
];

function verb(
	group: string,
	name: string,
	summary: string,
	load: () => Promise<{readonly command: unknown}>,
	aliases?: readonly string[],
): Verb {
	return {
		name,
		summary,
		group,
		...(aliases === undefined ? {} : {aliases}),
		load: async () => (await load()).command as Command,
	};
}
