import type {ClusterRun} from '../lifecycle/run.js';

/** Gives what all actions of one run share, and makes it when it is first asked for. What failed is made again for who asks next. */
export type OfRun<T> = (run: ClusterRun, key: string, make: () => Promise<T>) => Promise<T>;

export function ofRun<T>(): OfRun<T> {
	const known = new WeakMap<ClusterRun, Map<string, Promise<T>>>();
	return async (run, key, make) => {
		const own = known.get(run) ?? new Map<string, Promise<T>>();
		known.set(run, own);
		const found = own.get(key);
		if (found !== undefined) return await found;
		const made = make();
		own.set(key, made);
		try {
			return await made;
		} catch (error) {
			if (own.get(key) === made) own.delete(key);
			throw error;
		}
	};
}
