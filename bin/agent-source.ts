import {existsSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {BundleOptions} from '../lib/runtime/agent/bundle/bundle.js';
import type {agentFlags} from './agent-flags.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {cacheFolder} from './settings.js';

/** Where the agent comes from, by flags and settings. */
export function agentSource(
	flags: Partial<FlagValues<typeof agentFlags>>,
	{io, settings, signal, onEvent}: Context,
): BundleOptions {
	const flag = flags['agent-dir'];
	const chosen = flag === undefined ? settings.agent.value : flag;
	return {
		agentDir: chosen === 'npm' ? undefined : resolve(io.cwd, chosen),
		cacheDir: cacheFolder(io),
		scriptDir: scriptFolder(),
		env: io.env,
		signal,
		onEvent,
	};
}

/** Beside the bundled command line; from a compiled working copy what "npm run build" made there. */
function scriptFolder(): string {
	const beside = fileURLToPath(new URL('../agent', import.meta.url));
	return existsSync(join(beside, 'agent.js')) ? beside : fileURLToPath(new URL('../../dist/agent', import.meta.url));
}
