import type {HealthcheckInstruction} from '../../syntax.js';
import type {FlagValues} from '../flags.js';
import {type InstructionLine, readFlags, restWord} from '../instruction-line.js';
import {parseJsonForm} from '../json-form.js';
import {parseDuration} from './duration.js';

const types = {
	interval: 'text',
	timeout: 'text',
	'start-period': 'text',
	'start-interval': 'text',
	retries: 'text',
} as const;

const minimumNs = 1_000_000;

/** `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD command` */
export function parseHealthcheck(line: InstructionLine): HealthcheckInstruction | undefined {
	const match = /^(\S+)\s*(.*)$/su.exec(line.rest);
	if (match === null) return line.fail('WrongArguments', 'HEALTHCHECK requires at least one argument');
	const type = match[1]!.toUpperCase();
	const rest = match[2]!;
	if (type === 'NONE') {
		if (rest !== '') {
			return line.fail('WrongArguments', 'HEALTHCHECK NONE takes no arguments', {at: restWord(line)});
		}
		return readFlags(line, types) && {kind: 'HEALTHCHECK', ...line.base, test: ['NONE']};
	}
	if (type !== 'CMD') {
		const hint = 'Write HEALTHCHECK CMD command or HEALTHCHECK NONE.';
		return line.fail('WrongArguments', `Unknown type "${type}" in HEALTHCHECK (try CMD)`, {hint, at: restWord(line)});
	}
	const flags = readFlags(line, types);
	if (flags === undefined) return undefined;
	const test = parseTest(line, rest);
	const numbers = test && readNumbers(line, flags);
	return numbers && {kind: 'HEALTHCHECK', ...line.base, test: test!, ...numbers};
}

function parseTest(line: InstructionLine, rest: string): readonly string[] | undefined {
	const json = parseJsonForm(rest);
	if (json.kind === 'invalid') return line.fail('InvalidJson', json.message, {at: restWord(line)});
	if (rest === '' || (json.kind === 'array' && json.items.length === 0)) {
		return line.fail('WrongArguments', 'Missing command after HEALTHCHECK CMD', {at: restWord(line)});
	}
	return json.kind === 'array' ? ['CMD', ...json.items] : ['CMD-SHELL', rest];
}

type Numbers = Pick<
	HealthcheckInstruction,
	'intervalNs' | 'timeoutNs' | 'startPeriodNs' | 'startIntervalNs' | 'retries'
>;

/** The flags that are given and are not zero. Zero means "inherit", as does absence. */
function readNumbers(line: InstructionLine, flags: FlagValues): Numbers | undefined {
	const fields = {
		interval: 'intervalNs',
		timeout: 'timeoutNs',
		'start-period': 'startPeriodNs',
		'start-interval': 'startIntervalNs',
	} as const;
	const numbers: {-readonly [K in keyof Numbers]: Numbers[K]} = {};
	for (const [flag, field] of Object.entries(fields)) {
		const text = flags.text(flag);
		if (text === undefined || text === '') continue;
		const durationNs = parseDuration(text);
		if (durationNs === undefined) {
			return refuse(
				line,
				flag,
				`Invalid duration "${text}" for --${flag}`,
				'Write a number with a unit, such as 30s or 1m30s.',
			);
		}
		if (durationNs !== 0 && durationNs < minimumNs) {
			return refuse(
				line,
				flag,
				`Interval "${flag}" cannot be less than 1ms`,
				'Use 0 to inherit the value of the base image.',
			);
		}
		if (durationNs !== 0) numbers[field] = durationNs;
	}
	const retries = flags.text('retries') || '0';
	if (!/^[+-]?\d{1,10}$/.test(retries) || Number(retries) > 2_147_483_647) {
		return refuse(line, 'retries', `Invalid number "${retries}" for --retries`, 'Write a whole number.');
	}
	if (Number(retries) < 0) return refuse(line, 'retries', `--retries cannot be negative (${Number(retries)})`);
	if (Number(retries) !== 0) numbers.retries = Number(retries);
	return numbers;
}

function refuse(line: InstructionLine, flag: string, message: string, hint?: string): undefined {
	const at = line.flagWords.find(({text}) => text.startsWith(`--${flag}=`)) ?? restWord(line);
	return line.fail('InvalidFlag', message, {at, ...(hint === undefined ? {} : {hint})});
}
