import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import {execOk} from '../../transport/exec.js';
import type {Transport} from '../../transport/transport.js';
import type {AgentBundle} from '../bundle/bundle.js';
import {printable} from '../reply.js';
import {idPattern} from './layout.js';
import {scriptWords} from './scripts.js';

/** What is on a host. */
export interface Survey {
	/** As `uname -m` says it. */
	readonly machine: string;
	/** Undefined when the host has another C library, or cannot tell. */
	readonly glibc: string | undefined;
	readonly tools: ReadonlySet<string>;
	readonly freeBytes: number | undefined;
	readonly current: string | undefined;
	readonly versions: readonly string[];
	readonly launcher: string | undefined;
	/** Paths on the host with the very bytes of files of the bundle, by their names there. */
	readonly have: ReadonlyMap<string, string>;
	/** The lines that say something else. */
	readonly others: readonly string[];
}

const maxOutputBytes = 1024 * 1024;

/** Looks at a host in one round trip. */
export async function surveyHost(
	transport: Transport,
	prefix: string,
	bundle: AgentBundle,
	stage: string,
	options: Abortable,
): Promise<Survey> {
	const words = bundle.files.flatMap(({name, sizeBytes, digest}) => [
		name,
		String(sizeBytes),
		digest.slice('sha256:'.length),
	]);
	const argv = scriptWords('survey', [prefix, bundle.id, stage, ...words]);
	return parseSurvey((await execOk(transport, argv, {signal: options.signal, maxOutputBytes})).toString());
}

/** Lines of what the scripts say; what is no line of that kind is left to the caller. */
export function parseSurvey(text: string): Survey {
	const values = new Map<string, string>();
	const tools = new Set<string>();
	const have = new Map<string, string>();
	const versions: string[] = [];
	const others: string[] = [];
	for (const line of text.split('\n')) {
		const [word = '', ...rest] = line.split(' ');
		const value = rest.join(' ');
		if (word === 'tool') tools.add(value);
		else if (word === 'have') have.set(rest[0] ?? '', rest.slice(1).join(' '));
		else if (word === 'version' && idPattern.test(value)) versions.push(value);
		else if (['machine', 'libc', 'free', 'current', 'launcher'].includes(word)) values.set(word, value);
		else if (line !== '') others.push(line);
	}
	const free = /\s(\d+)\s+\d+%\s/.exec(values.get('free') ?? '')?.[1];
	const current = values.get('current');
	return {
		machine: printable(values.get('machine') ?? '', 40),
		glibc: /^glibc (\d+\.\d+)/.exec(values.get('libc') ?? '')?.[1],
		tools,
		freeBytes: free === undefined ? undefined : Number(free) * 1024,
		current: current !== undefined && idPattern.test(current) ? current : undefined,
		versions,
		launcher: values.get('launcher'),
		have,
		others,
	};
}

const machines: Readonly<Record<string, string>> = {
	x86_64: 'linux/amd64',
	amd64: 'linux/amd64',
	aarch64: 'linux/arm64',
	arm64: 'linux/arm64',
};

/**
 * The platform of the agent for a host.
 * @throws HostError ERR_AGENT_PLATFORM
 */
export async function platformOf(transport: Transport, options: Abortable): Promise<string> {
	const machine = (await execOk(transport, ['uname', '-m'], {signal: options.signal, maxOutputBytes}))
		.toString()
		.trim();
	const platform = Object.hasOwn(machines, machine) ? machines[machine] : undefined;
	if (platform !== undefined) return platform;
	throw new HostError(
		transport.host,
		'ERR_AGENT_PLATFORM',
		`The host is a ${printable(machine, 40)}; there is no agent for it`,
		{
			hint: 'Hosts have 64-bit processors: x86_64 or aarch64.',
			details: {machine: printable(machine, 40)},
		},
	);
}
