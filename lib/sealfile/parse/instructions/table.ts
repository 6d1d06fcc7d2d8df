import type {Instruction} from '../../syntax.js';
import type {InstructionLine} from '../instruction-line.js';
import {parseArg, parseEnv, parseLabel} from './arg-env-label.js';
import {parseCmd, parseEntrypoint, parseRun, parseShell} from './commands.js';
import {parseAdd, parseCopy} from './copy-add.js';
import {parseFrom} from './from.js';
import {parseHealthcheck} from './healthcheck.js';
import {parseExpose, parseMaintainer, parseStopsignal, parseUser, parseVolume, parseWorkdir} from './texts.js';

/** Reads the arguments of one instruction; undefined when they are wrong, which it has reported. */
export type InstructionParser = (line: InstructionLine) => Instruction | undefined;

/** Every instruction but ONBUILD, which holds another one and is read by the parser itself. */
export const instructionParsers: ReadonlyMap<string, InstructionParser> = new Map<string, InstructionParser>([
	['ADD', parseAdd],
	['ARG', parseArg],
	['CMD', parseCmd],
	['COPY', parseCopy],
	['ENTRYPOINT', parseEntrypoint],
	['ENV', parseEnv],
	['EXPOSE', parseExpose],
	['FROM', parseFrom],
	['HEALTHCHECK', parseHealthcheck],
	['LABEL', parseLabel],
	['MAINTAINER', parseMaintainer],
	['RUN', parseRun],
	['SHELL', parseShell],
	['STOPSIGNAL', parseStopsignal],
	['USER', parseUser],
	['VOLUME', parseVolume],
	['WORKDIR', parseWorkdir],
]);

/** In the order of the language reference, for messages. */
export const instructionNames: readonly string[] = [...instructionParsers.keys(), 'ONBUILD'].sort();

/** The instructions whose shell form may open heredocs. */
export const heredocInstructions: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN']);
