/** A map that forgets what was not asked for the longest when it holds too much. */
export interface Lru<K, V> {
	get(key: K): V | undefined;
	set(key: K, value: V): void;
	delete(key: K): void;
}

/** @param weigh what a value counts against `limit`; default 1 */
export function createLru<K, V>(limit: number, weigh: (value: V) => number = () => 1): Lru<K, V> {
	const entries = new Map<K, V>();
	let total = 0;
	const drop = (key: K): void => {
		const value = entries.get(key);
		if (value !== undefined && entries.delete(key)) total -= weigh(value);
	};
	return {
		get(key) {
			const value = entries.get(key);
			if (value === undefined) return undefined;
			entries.delete(key);
			entries.set(key, value);
			return value;
		},
		set(key, value) {
			drop(key);
			entries.set(key, value);
			total += weigh(value);
			for (const oldest of entries.keys()) {
				if (total <= limit) break;
				drop(oldest);
			}
		},
		delete: drop,
	};
}
