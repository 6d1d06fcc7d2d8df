/** What is to be closed at the end, in reverse order. */
export interface Deferred {
	readonly add: (close: () => Promise<void>) => void;
	/** Closes everything once; the failure of one keeps no other from closing. Never rejects. */
	close(): Promise<void>;
}

/** What is added after the end is closed at once: its request was slow to notice that it is over. */
export function createDeferred(): Deferred {
	const open: Array<() => Promise<void>> = [];
	let isOver = false;
	const run = async (close: () => Promise<void>): Promise<void> => {
		try {
			await close();
		} catch {
			// Who could be told has gone.
		}
	};
	return {
		add: close => {
			if (isOver) void run(close);
			else open.push(close);
		},
		async close() {
			isOver = true;
			for (let close = open.pop(); close !== undefined; close = open.pop()) await run(close);
		},
	};
}
