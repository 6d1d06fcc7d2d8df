import type {
	CmdInstruction,
	Command,
	EntrypointInstruction,
	RunInstruction,
	RunMount,
	ShellInstruction,
} from '../../syntax.js';
import {type InstructionLine, readFlags, restWord} from '../instruction-line.js';
import {parseJsonForm} from '../json-form.js';
import {parseMount} from './run-mount.js';

/** `CMD ["a", "b"]` or `CMD a b` */
export function parseCmd(line: InstructionLine): CmdInstruction | undefined {
	const command = readFlags(line) && parseCommand(line);
	return command && {kind: 'CMD', ...line.base, command};
}

/** `ENTRYPOINT ["a", "b"]` or `ENTRYPOINT a b` */
export function parseEntrypoint(line: InstructionLine): EntrypointInstruction | undefined {
	const command = readFlags(line) && parseCommand(line);
	return command && {kind: 'ENTRYPOINT', ...line.base, command};
}

/** `SHELL ["a", "b"]`, never without brackets */
export function parseShell(line: InstructionLine): ShellInstruction | undefined {
	const command = readFlags(line) && parseCommand(line);
	if (command === undefined) return undefined;
	if (command.form === 'shell') {
		const hint = 'Write SHELL ["/bin/bash", "-c"].';
		return line.fail('JsonRequired', 'SHELL requires the arguments to be in JSON form', {hint, at: restWord(line)});
	}
	if (command.argv.length === 0) return line.fail('WrongArguments', 'SHELL requires at least one argument');
	return {kind: 'SHELL', ...line.base, argv: command.argv};
}

const networks = ['default', 'none', 'host'] as const;
const securities = ['sandbox', 'insecure'] as const;

/** `RUN [flags] command`, with heredocs in shell form */
export function parseRun(line: InstructionLine): RunInstruction | undefined {
	const flags = readFlags(line, {mount: 'list', network: 'text', security: 'text'});
	if (flags === undefined) return undefined;
	const mounts: RunMount[] = [];
	const mountWords = flags.list('mount');
	for (const word of mountWords) {
		const result = parseMount(word);
		const at = line.flagWords.find(({text}) => text === `--mount=${word}`) ?? restWord(line);
		if (!result.ok) return line.fail('InvalidMount', result.message, {at});
		mounts.push(result.mount);
	}
	const network = networks.find(name => name === (flags.text('network') ?? 'default'));
	if (network === undefined) return refuseValue(line, 'network', networks, flags.text('network'));
	const security = securities.find(name => name === (flags.text('security') ?? 'sandbox'));
	if (security === undefined) return refuseValue(line, 'security', securities, flags.text('security'));
	const command = parseCommand(line);
	return (
		command && {kind: 'RUN', ...line.base, command, heredocs: line.heredocs, mountWords, mounts, network, security}
	);
}

function parseCommand(line: InstructionLine): Command | undefined {
	const json = parseJsonForm(line.rest);
	if (json.kind === 'invalid') return line.fail('InvalidJson', json.message, {at: restWord(line)});
	if (json.kind === 'array') return {form: 'json', argv: json.items};
	if (line.rest === '') return line.fail('WrongArguments', `${line.name} requires at least one argument`);
	return {form: 'shell', text: line.rest};
}

function refuseValue(line: InstructionLine, flag: string, known: readonly string[], value = ''): undefined {
	const at = line.flagWords.find(({text}) => text.startsWith(`--${flag}=`)) ?? restWord(line);
	return line.fail('InvalidFlag', `Invalid value for --${flag}: ${value}`, {hint: `Use ${known.join(' or ')}.`, at});
}
