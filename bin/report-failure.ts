import {SealError} from '../lib/core/errors.js';
import {exitCodeOf} from './exit-codes.js';
import {type Io, write} from './io.js';
import {renderError, renderStacks, reportError} from './render/error.js';
import {formatJson} from './render/json.js';
import {createStyle, wantsColor} from './render/style.js';
import type {Settings} from './settings.js';

export interface FailureOptions {
	readonly io: Io;
	/** Undefined when the failure came before they were known. */
	readonly settings: Settings | undefined;
	readonly argv: readonly string[];
	readonly interruptedBy: number | undefined;
	/** What the command says its failures exit with. */
	readonly failureExitCode?: number | undefined;
}

/** Prints what a command threw to stderr, as text or JSON, and resolves with the exit code. */
export async function reportFailure(error: unknown, options: FailureOptions): Promise<number> {
	const {io, settings, interruptedBy} = options;
	const style = createStyle(wantsColor(settings?.color.value ?? 'auto', io.stderr.isTTY === true, io.env));
	// An abort may surface as any error of what it cut off.
	const shown = interruptedBy === undefined ? error : new SealError('ERR_ABORTED', 'Interrupted');
	const text = interruptedBy === undefined ? renderError(error, style) : `${style.red('Interrupted')}\n`;
	const debug = io.env.SEALIMAGE_DEBUG ?? '';
	const stacks = debug === '' || debug === '0' ? '' : renderStacks(error);
	try {
		await write(io.stderr, (wantsJson(options) ? `${formatJson({error: reportError(shown)})}\n` : text) + stacks);
	} catch {
		// Nobody reads stderr: the exit code still tells.
	}
	return interruptedBy ?? exitCodeOf(error, options.failureExitCode);
}

/** Before the settings are known, the command line itself says what the caller reads. */
function wantsJson({settings, argv, io}: FailureOptions): boolean {
	if (settings !== undefined) return settings.output.value === 'json';
	const at = argv.indexOf('--output');
	return argv.includes('--output=json') || (at >= 0 ? argv[at + 1] === 'json' : io.env.SEALIMAGE_OUTPUT === 'json');
}
