/** Shared and exclusive turns by key, in order of arrival: a delete waits for the writes before it, and they for it. */
export interface Turns {
	shared<R>(key: string, work: () => Promise<R>): Promise<R>;
	exclusive<R>(key: string, work: () => Promise<R>): Promise<R>;
}

interface Queue {
	/** Settles when all exclusive turns so far are over. */
	barrier: Promise<unknown>;
	/** The shared turns since the last exclusive one. */
	sharing: Set<Promise<unknown>>;
	users: number;
}

export function createTurns(): Turns {
	const queues = new Map<string, Queue>();
	const enter = async <R>(key: string, start: (queue: Queue) => Promise<R>): Promise<R> => {
		const queue = queues.get(key) ?? {barrier: Promise.resolve(), sharing: new Set(), users: 0};
		queues.set(key, queue);
		queue.users++;
		try {
			return await start(queue);
		} finally {
			queue.users--;
			if (queue.users === 0) queues.delete(key);
		}
	};
	return {
		shared: (key, work) =>
			enter(key, async queue => {
				const turn = queue.barrier.then(work, work);
				const {sharing} = queue;
				sharing.add(turn);
				try {
					return await turn;
				} finally {
					sharing.delete(turn);
				}
			}),
		exclusive: (key, work) =>
			enter(key, async queue => {
				const before = [queue.barrier, ...queue.sharing];
				const turn = Promise.allSettled(before).then(work);
				queue.barrier = turn;
				queue.sharing = new Set();
				return await turn;
			}),
	};
}
