import {type ErrorCode, errorCodes} from '../../core/codes.js';
import {type ErrorReport, SealError} from '../../core/errors.js';
import {HostError} from '../host/error.js';
import {type AgentIdentity, type AgentReply, agentProtocol} from './protocol.js';

/** @throws SealError ERR_AGENT_PROTOCOL for what is no reply */
export function parseReply(line: Buffer): AgentReply {
	const reply = asObject(parseJson(line));
	if (reply !== undefined) {
		if ('hello' in reply) return {hello: identityOf(reply.hello)};
		if ('fatal' in reply) return {fatal: reportFrom(reply.fatal)};
		const {id} = reply;
		if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) {
			if ('event' in reply) return {id, event: reply.event};
			if ('result' in reply) return {id, result: reply.result};
			if ('error' in reply) return {id, error: reportFrom(reply.error)};
		}
	}
	throw new SealError('ERR_AGENT_PROTOCOL', 'The agent says something that is no reply', {
		details: {line: printable(line.subarray(0, 400).toString(), 200)},
	});
}

/** The hello in a line that a login shell's profile may have printed, too; undefined when it is none. */
export function findHello(line: Buffer): AgentIdentity | undefined {
	const hello = asObject(parseJson(line))?.hello;
	return hello === undefined ? undefined : identityOf(hello);
}

/** @throws HostError ERR_AGENT_PROTOCOL when the agent speaks another version of the protocol */
export function checkProtocol(host: string, identity: AgentIdentity): void {
	if (identity.protocol === agentProtocol) return;
	const older = identity.protocol < agentProtocol;
	throw new HostError(
		host,
		'ERR_AGENT_PROTOCOL',
		`The agent (version ${identity.version}) speaks protocol ${identity.protocol}, expected ${agentProtocol}`,
		{
			hint: older
				? `Bring the agent up to date with "sealimage agent install ${host}".`
				: 'Use the sealimage that is as new as the agent, or install the agent of this one.',
			details: {found: identity.protocol, expected: agentProtocol},
		},
	);
}

/** The agent's own error, with the host. A code that this version does not know is kept in the details. */
export function errorFrom(host: string, report: ErrorReport): HostError {
	const {code, message, hint, details, cause} = report;
	const known = Object.hasOwn(errorCodes, code);
	return new HostError(host, known ? (code as ErrorCode) : 'ERR_AGENT_FAILED', message, {
		hint,
		details: {...details, ...(known ? {} : {code})},
		...(cause === undefined ? {} : {cause: errorFrom(host, cause)}),
	});
}

/** One line of text from a host that cannot drive the operator's terminal. */
export function printable(text: string, maxLength: number): string {
	const shown = text
		.slice(0, maxLength * 2)
		.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
		.trim();
	return shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}

const maxCauses = 4;
const maxDetailsBytes = 16 * 1024;

/** Whatever a host sends as an error becomes a report of bounded size. */
function reportFrom(value: unknown, depth = 0): ErrorReport {
	const {code, message, hint, details, cause} = asObject(value) ?? {};
	const kept = asObject(details);
	return {
		code: typeof code === 'string' ? printable(code, 60) : 'UNKNOWN',
		message: typeof message === 'string' ? printable(message, 2000) : 'The agent gives no reason',
		...(typeof hint === 'string' ? {hint: printable(hint, 500)} : {}),
		...(kept !== undefined && JSON.stringify(kept).length <= maxDetailsBytes ? {details: kept} : {}),
		...(asObject(cause) !== undefined && depth < maxCauses ? {cause: reportFrom(cause, depth + 1)} : {}),
	};
}

function identityOf(value: unknown): AgentIdentity {
	const {protocol, version, platform, id} = asObject(value) ?? {};
	if (typeof protocol === 'number' && typeof version === 'string' && typeof platform === 'string')
		return {
			protocol,
			version: printable(version, 60),
			platform: printable(platform, 60),
			...(typeof id === 'string' ? {id: printable(id, 100)} : {}),
		};
	throw new SealError('ERR_AGENT_PROTOCOL', 'The agent does not say who it is');
}

function asObject(value: unknown): Record<string, unknown> | undefined {
	return typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Record<string, unknown>)
		: undefined;
}

function parseJson(line: Buffer): unknown {
	try {
		return JSON.parse(line.toString());
	} catch {
		return undefined;
	}
}
