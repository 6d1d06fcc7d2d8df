import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {formatPlatform, hostPlatform} from '../lib/oci/platform.js';
import {agentId, manifestName, parseManifest} from '../lib/runtime/agent/bundle/manifest.js';
import {runOnce} from '../lib/runtime/agent/once.js';
import {type AgentIdentity, agentProtocol, maxRequestBytes} from '../lib/runtime/agent/protocol.js';
import {type AgentSurroundings, runSession} from '../lib/runtime/agent/session.js';
import {agentVerbs} from '../lib/runtime/agent/verbs.js';
import {stopSignal} from './stop-signal.js';
import {readVersion} from './version.js';

const usage = `usage: sealimage-agent [--root DIR] session
       sealimage-agent [--root DIR] VERB [--params FILE]
       sealimage-agent registry --config FILE [--wait | --check]
       sealimage-agent lb once|run|status|remove|prepare [--config FILE]
       sealimage-agent --version
`;

/** What an operator asks an agent: one verb, or a session of them. @returns the exit code */
export async function runAgentVerbs(args: readonly string[]): Promise<number> {
	// A service of systemd, not a verb that speaks to an operator.
	if (args[0] === 'registry') {
		const {runAgentRegistry} = await import('./agent-registry.js');
		return await runAgentRegistry(args.slice(1), stopSignal());
	}
	const parsed = parseArguments(args);
	if (parsed === undefined) {
		process.stderr.write(usage);
		return 2;
	}
	const identity = readIdentity();
	if (parsed.verb === '--version') {
		process.stdout.write(`sealimage-agent ${identity.version}, protocol ${identity.protocol}, ${identity.platform}\n`);
		return 0;
	}
	const surroundings: AgentSurroundings = {
		stdin: process.stdin,
		stdout: process.stdout,
		identity,
		verbs: agentVerbs,
		root: parsed.root,
		signal: stopSignal(),
	};
	if (parsed.verb !== 'session') return (await runOnce(parsed.verb, readParams(parsed.params), surroundings)) ? 0 : 1;
	await runSession(surroundings);
	return 0;
}

interface Arguments {
	readonly verb: string;
	readonly root: string;
	readonly params: string | undefined;
}

function parseArguments(args: readonly string[]): Arguments | undefined {
	const rest = [...args];
	const values: Record<string, string> = {};
	const words: string[] = [];
	for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
		if (word !== '--root' && word !== '--params') {
			words.push(word);
			continue;
		}
		const value = rest.shift();
		if (value === undefined) return undefined;
		values[word] = value;
	}
	const [verb] = words;
	if (verb === undefined || words.length > 1 || (verb.startsWith('-') && verb !== '--version')) return undefined;
	return {verb, root: values['--root'] ?? '/var/lib/sealimage', params: values['--params']};
}

function readParams(file: string | undefined): string | undefined {
	if (file === undefined) return undefined;
	const text = readFileSync(file, 'utf8');
	if (text.length > maxRequestBytes) throw new RangeError(`${file} is longer than ${maxRequestBytes} bytes`);
	return text;
}

/** Installed agents have their description beside the script that was started; in a working copy there is package.json. */
function readIdentity(): AgentIdentity {
	const about = {protocol: agentProtocol, platform: formatPlatform(hostPlatform())};
	const description = join(dirname(process.argv[1] ?? ''), manifestName);
	if (!existsSync(description)) return {...about, version: readVersion()};
	const bytes = readFileSync(description);
	return {...about, version: parseManifest(bytes, description).version, id: agentId(bytes)};
}
