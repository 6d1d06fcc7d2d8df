/** A set that can be sampled: adding, removing and drawing take the same short time whatever its size. */
export interface IndexedSet<T> {
	readonly size: number;
	has(item: T): boolean;
	add(item: T): void;
	delete(item: T): void;
	/** Items at random, each at most once, at most `count`; all of them when there are no more. */
	sample(count: number): readonly T[];
	all(): readonly T[];
}

/** @param random gives numbers from 0 to below 1 */
export function createIndexedSet<T>(random: () => number): IndexedSet<T> {
	const items: T[] = [];
	const places = new Map<T, number>();
	const swap = (a: number, b: number): void => {
		const item = items[a]!;
		items[a] = items[b]!;
		items[b] = item;
		places.set(items[a]!, a);
		places.set(item, b);
	};
	return {
		get size() {
			return items.length;
		},
		has: item => places.has(item),
		add(item) {
			if (places.has(item)) return;
			places.set(item, items.length);
			items.push(item);
		},
		delete(item) {
			const place = places.get(item);
			if (place === undefined) return;
			swap(place, items.length - 1);
			items.pop();
			places.delete(item);
		},
		sample(count) {
			const length = Math.min(count, items.length);
			for (let i = 0; i < length; i++) swap(i, i + Math.floor(random() * (items.length - i)));
			return items.slice(0, length);
		},
		all: () => items,
	};
}
