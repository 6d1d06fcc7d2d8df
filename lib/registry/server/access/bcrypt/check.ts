import {createHmac, randomBytes} from 'node:crypto';
import {Worker} from 'node:worker_threads';
import {SealError} from '../../../../core/errors.js';

/** Checks passwords against bcrypt hashes without holding up anything else. */
export interface PasswordCheck {
	/**
	 * `busy` when too many other checks wait. What was found out is remembered for a while (a keyed hash of it, in memory), so
	 * that a client that logs in with every request costs one check.
	 */
	check(user: string, password: string, hash: string): Promise<'right' | 'wrong' | 'busy'>;
	close(): Promise<void>;
}

export interface Question {
	readonly id: number;
	readonly password: string;
	readonly hash: string;
}

export interface Reply {
	readonly id: number;
	readonly matches: boolean;
}

export interface PasswordCheckOptions {
	/** Checks that may wait; default 100. */
	readonly waiting?: number | undefined;
	/** How long a right password is remembered. Default 5 minutes. */
	readonly rightMs?: number | undefined;
	/** How long a wrong one is. Default 10 seconds: a client with an old password asks many times a second. */
	readonly wrongMs?: number | undefined;
}

/** The cost of a bcrypt hash, or undefined for other text. */
export function bcryptCost(hash: string): number | undefined {
	const found = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash);
	return found === null ? undefined : Number(found[1]);
}

/** A hash of this cost that no password has: the check of an unknown user takes as long as that of a known one. */
export function hashOfNobody(cost: number): string {
	return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
}

const maxRemembered = 4096;

export function createPasswordCheck(options: PasswordCheckOptions = {}): PasswordCheck {
	const {waiting = 100, rightMs = 300_000, wrongMs = 10_000} = options;
	const key = randomBytes(32);
	const remembered = new Map<string, {readonly verdict: 'right' | 'wrong'; readonly untilMs: number}>();
	const running = new Map<string, Promise<'right' | 'wrong'>>();
	const thread = createThread();
	return {
		async check(user, password, hash) {
			// The user is in the key: else a fast "wrong" for one unknown user would tell unknown names from known ones.
			const id = createHmac('sha256', key)
				.update(JSON.stringify([user, password, hash]))
				.digest('base64');
			const before = remembered.get(id);
			if (before !== undefined && before.untilMs > performance.now()) return before.verdict;
			const shared = running.get(id);
			if (shared !== undefined) return await shared;
			if (running.size >= waiting) return 'busy';
			const asked = thread
				.ask(password, hash)
				.then(matches => {
					const verdict = matches ? 'right' : 'wrong';
					remembered.delete(id);
					remembered.set(id, {verdict, untilMs: performance.now() + (matches ? rightMs : wrongMs)});
					if (remembered.size > maxRemembered) remembered.delete(remembered.keys().next().value ?? '');
					return verdict;
				})
				.finally(() => running.delete(id));
			running.set(id, asked);
			return await asked;
		},
		close: thread.close,
	};
}

interface Thread {
	ask(password: string, hash: string): Promise<boolean>;
	close(): Promise<void>;
}

/** One thread, started by the first question; it keeps the process alive only while it has one. */
function createThread(): Thread {
	const questions = new Map<number, {resolve(matches: boolean): void; reject(error: unknown): void}>();
	let worker: Worker | undefined;
	let lastId = 0;
	const fail = (error: unknown): void => {
		worker = undefined;
		for (const {reject} of questions.values()) reject(error);
		questions.clear();
	};
	const start = (): Worker => {
		const started = new Worker(new URL('./bcrypt-worker.js', import.meta.url));
		started.on('message', ({id, matches}: Reply) => {
			questions.get(id)?.resolve(matches);
			questions.delete(id);
			if (questions.size === 0) started.unref();
		});
		started.on('error', fail);
		started.on('exit', () => {
			if (worker === started) fail(ended());
		});
		return started;
	};
	const ended = (): SealError => new SealError('ERR_INTERNAL', 'The thread that checks passwords ended');
	return {
		ask: (password, hash) =>
			new Promise((resolve, reject) => {
				worker ??= start();
				worker.ref();
				const id = ++lastId;
				questions.set(id, {resolve, reject});
				const question: Question = {id, password, hash};
				worker.postMessage(question);
			}),
		async close() {
			const ending = worker;
			fail(ended());
			await ending?.terminate();
		},
	};
}
