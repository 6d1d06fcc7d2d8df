import type {SealEvent} from '../lib/core/events.js';
import {openBundle} from '../lib/runtime/agent/bundle/bundle.js';
import {installAgent} from '../lib/runtime/agent/install/install.js';
import type {Transport} from '../lib/runtime/transport/transport.js';
import type {agentFlags} from './agent-flags.js';
import {agentSource} from './agent-source.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {sharedBy} from './shared-by.js';

/** Installs the agent on a host where it is missing, before something that needs it. */
export function agentInstaller(
	flags: FlagValues<typeof agentFlags>,
	context: Context,
): (transport: Transport) => Promise<unknown> {
	const source = agentSource(flags, context);
	const bundle = sharedBy((platform: string) => openBundle(platform, source));
	const {signal} = context;
	const onEvent = (event: SealEvent): void => {
		if (!event.type.startsWith('blob.')) context.onEvent(event);
	};
	return transport => installAgent(transport, {bundle, cacheDir: source.cacheDir, signal, onEvent});
}
