/** Work that many ask for at once is done once. */
export interface Flights<R> {
	/** The running work of this key, or that of `start`. */
	join(key: string, start: () => Promise<R>): Promise<R>;
}

/** A key is free again as soon as its work has settled: what was fetched is then in the storage, what failed may be tried again. */
export function createFlights<R>(): Flights<R> {
	const running = new Map<string, Promise<R>>();
	return {
		async join(key, start) {
			const shared = running.get(key);
			if (shared !== undefined) return await shared;
			const promise = start().finally(() => running.delete(key));
			running.set(key, promise);
			return await promise;
		},
	};
}
