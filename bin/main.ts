import {checkOperands, parseArguments} from './arguments.js';
import type {Command, Flags} from './command.js';
import {verbs} from './commands.js';
import {exitCodes} from './exit-codes.js';
import {findVerb} from './find-verb.js';
import {type GlobalValues, globalFlags} from './global-flags.js';
import {commandHelp, groupHelp, inherited, overviewHelp} from './help.js';
import {type Io, write} from './io.js';
import {formatJson} from './render/json.js';
import {createStyle, wantsColor} from './render/style.js';
import {reportFailure} from './report-failure.js';
import {openSession, type Session} from './session.js';
import {resolveSettings, type Settings} from './settings.js';
import {UsageError} from './usage-error.js';

/**
 * Runs one command line and resolves with its exit code, everything printed and flushed. Results go to stdout, all
 * else to stderr. Never rejects.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
	let session: Session | undefined;
	let settings: Settings | undefined;
	let pipeClosed = false;
	let failureExitCode: number | undefined;
	io.stdout.on('error', (error: NodeJS.ErrnoException) => {
		pipeClosed ||= error.code === 'EPIPE';
		if (pipeClosed) session?.interrupt(exitCodes.pipeClosed.code);
	});
	// A stderr that nobody reads loses progress and messages; the exit code still tells.
	io.stderr.on('error', () => {});
	try {
		const found = findVerb(argv, verbs, globalFlags);
		if (found.verb === undefined) return await withoutVerb(found.rest, found.group, io);
		const verb = found.verb;
		const command = await verb.load();
		failureExitCode = command.failureExitCode;
		const parsed = parseArguments(found.rest, {...command.flags, ...inherited(command.flags)}, command.flagsEndAfter);
		if (parsed.flags.help === true)
			return await printHelp(io, (style, width) => commandHelp(verb, command, style, width));
		const globals = globalValues(parsed.flags, command.flags);
		settings = await resolveSettings(globals, io);
		checkOperands(parsed.operands, command.operands, verb.name, command.flags);
		session = openSession(settings, globals, io);
		const result = await runCommand(command, parsed.flags, parsed.operands, session);
		session.close();
		return await printResult(result, settings, io);
	} catch (error) {
		session?.close();
		if (pipeClosed) return exitCodes.pipeClosed.code;
		const interruptedBy = session?.interruptedBy;
		return await reportFailure(error, {io, settings, argv, interruptedBy, failureExitCode});
	}
}

async function runCommand(
	command: Command,
	flags: Readonly<Record<string, unknown>>,
	operands: readonly string[],
	session: Session,
): ReturnType<Command['run']> {
	// The parser has checked every value against the same table that the type of `flags` is made from.
	return await command.run({flags: flags as Parameters<Command['run']>[0]['flags'], operands}, session.context);
}

async function printResult(result: Awaited<ReturnType<Command['run']>>, settings: Settings, io: Io): Promise<number> {
	if (result !== undefined && 'text' in result) {
		const text = settings.output.value === 'json' ? formatJson(result.json, 2) : result.text();
		if (text !== '') await write(io.stdout, text.endsWith('\n') ? text : `${text}\n`);
	}
	return result?.exitCode ?? exitCodes.ok.code;
}

async function withoutVerb(argv: readonly string[], group: string | undefined, io: Io): Promise<number> {
	const versionFlag = {version: {type: 'boolean', help: 'show the version'}} as const;
	const parsed = parseArguments(argv, {...globalFlags, ...versionFlag});
	if (parsed.operands.length > 0) throw new UsageError(`Unknown command "${parsed.operands[0]}"`);
	if (parsed.flags.version === true) {
		const {readVersion} = await import('./version.js');
		await write(io.stdout, `sealimage ${readVersion()}\n`);
		return exitCodes.ok.code;
	}
	return await printHelp(io, (style, width) =>
		group === undefined ? overviewHelp(verbs, style, width) : groupHelp(group, verbs, style, width),
	);
}

async function printHelp(
	io: Io,
	page: (style: ReturnType<typeof createStyle>, width: number) => string,
): Promise<number> {
	const style = createStyle(wantsColor('auto', io.stdout.isTTY === true, io.env));
	await write(io.stdout, page(style, Math.min(io.stdout.columns || 100, 120)));
	return exitCodes.ok.code;
}

/** A command's own flag of the same name (`images --quiet`) is not the global one, except that it quiets progress too. */
function globalValues(flags: Readonly<Record<string, unknown>>, own: Flags): GlobalValues {
	const values = Object.fromEntries(
		Object.keys(globalFlags).map(name => [
			name,
			name === 'quiet' || !Object.hasOwn(own, name) ? flags[name] : undefined,
		]),
	);
	return values as GlobalValues;
}
