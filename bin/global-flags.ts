import type {Flags, FlagValues} from './command.js';

export const progressModes = ['auto', 'tty', 'plain', 'json', 'none'] as const;
export const outputFormats = ['text', 'json'] as const;
export const colorModes = ['auto', 'always', 'never'] as const;

/** Flags that every command takes, before or after the verb. A command's own flag of the same name comes first. */
export const globalFlags = {
	root: {
		type: 'string',
		value: 'DIR',
		help: 'the folder of the image store (default: the sealimage folder of $XDG_DATA_HOME or ~/.local/share)',
		completes: 'folder',
	},
	output: {
		type: 'string',
		value: 'FORMAT',
		choices: outputFormats,
		help: 'print results as text or as one JSON document',
	},
	progress: {
		type: 'string',
		value: 'MODE',
		choices: progressModes,
		help: 'how progress is shown on stderr: a live block on a terminal, plain lines, JSON lines, or nothing',
	},
	quiet: {type: 'boolean', short: 'q', help: 'no progress, only results and errors'},
	verbose: {type: 'boolean', short: 'v', help: 'plain progress with everything that commands print'},
	color: {
		type: 'string',
		value: 'WHEN',
		choices: colorModes,
		help: 'colours (auto: on a terminal, unless NO_COLOR is set)',
	},
	help: {type: 'boolean', short: 'h', help: 'show help'},
} as const satisfies Flags;

export type GlobalValues = FlagValues<typeof globalFlags>;
