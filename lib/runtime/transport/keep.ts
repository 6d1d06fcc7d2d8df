import type {HostTarget} from '../host/target.js';
import type {OpenTransport, Transport} from './transport.js';

/** Transports that stay open until all are closed: several parts of one piece of work log in to each host once. */
export interface KeptTransports extends AsyncDisposable {
	/** The same transport for the same name; closing it does nothing. */
	readonly open: OpenTransport;
	close(): Promise<void>;
}

export function keepTransports(open: OpenTransport): KeptTransports {
	const kept = new Map<string, Transport>();
	const close = async (): Promise<void> => {
		const all = [...kept.values()];
		kept.clear();
		await Promise.allSettled(all.map(transport => transport.close()));
	};
	return {
		open(target: HostTarget) {
			const found = kept.get(target.name) ?? open(target);
			kept.set(target.name, found);
			return {
				host: found.host,
				spawn: (argv, options) => found.spawn(argv, options),
				close: async () => undefined,
				[Symbol.asyncDispose]: async () => undefined,
			};
		},
		close,
		[Symbol.asyncDispose]: close,
	};
}
