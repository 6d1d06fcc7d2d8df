import type {
	ExposeInstruction,
	MaintainerInstruction,
	StopsignalInstruction,
	UserInstruction,
	VolumeInstruction,
	WorkdirInstruction,
} from '../../syntax.js';
import {type InstructionLine, readFlags, restWord} from '../instruction-line.js';
import {parseJsonForm} from '../json-form.js';
import {splitBlanks} from '../split.js';

/** `WORKDIR path` */
export function parseWorkdir(line: InstructionLine): WorkdirInstruction | undefined {
	const path = oneArgument(line);
	return path === undefined ? undefined : {kind: 'WORKDIR', ...line.base, path};
}

/** `USER name[:group]` */
export function parseUser(line: InstructionLine): UserInstruction | undefined {
	const user = oneArgument(line);
	return user === undefined ? undefined : {kind: 'USER', ...line.base, user};
}

/** `STOPSIGNAL signal` */
export function parseStopsignal(line: InstructionLine): StopsignalInstruction | undefined {
	const signal = oneArgument(line);
	return signal === undefined ? undefined : {kind: 'STOPSIGNAL', ...line.base, signal};
}

/** `MAINTAINER name` */
export function parseMaintainer(line: InstructionLine): MaintainerInstruction | undefined {
	const name = oneArgument(line);
	return name === undefined ? undefined : {kind: 'MAINTAINER', ...line.base, name};
}

/** `VOLUME ["/a", "/b"]` or `VOLUME /a /b` */
export function parseVolume(line: InstructionLine): VolumeInstruction | undefined {
	if (readFlags(line) === undefined) return undefined;
	const json = parseJsonForm(line.rest);
	if (json.kind === 'invalid') return line.fail('InvalidJson', json.message, {at: restWord(line)});
	const words = json.kind === 'array' ? json.items : splitBlanks(line.rest, line.restStart).map(({text}) => text);
	if (words.length === 0) return line.fail('WrongArguments', 'VOLUME requires at least one argument');
	const paths = words.map(word => word.trim());
	if (paths.includes('')) {
		return line.fail('BlankVolume', 'VOLUME specified can not be an empty string', {at: restWord(line)});
	}
	return {kind: 'VOLUME', ...line.base, paths};
}

/** `EXPOSE port[/protocol] ...` */
export function parseExpose(line: InstructionLine): ExposeInstruction | undefined {
	if (readFlags(line) === undefined) return undefined;
	const ports = splitBlanks(line.rest, line.restStart).map(({text}) => text);
	if (ports.length === 0) return line.fail('WrongArguments', 'EXPOSE requires at least one argument');
	return {kind: 'EXPOSE', ...line.base, ports: ports.sort()};
}

/** The whole rest of the line, blanks inside it included. */
function oneArgument(line: InstructionLine): string | undefined {
	if (readFlags(line) === undefined) return undefined;
	if (line.rest === '') return line.fail('WrongArguments', `${line.name} requires exactly one argument`);
	return line.rest;
}
