import type {HttpResponse} from '../../core/http.js';

/** How much a registry gives to one client. */
export interface RateLimit {
	readonly limit: number;
	/** What is left of it. */
	readonly remaining: number;
	/** The time that the limit is for, when the registry says it. */
	readonly windowMs?: number;
}

/**
 * Reads `RateLimit-Limit: 100;w=21600` and `RateLimit-Remaining: 76;w=21600`, which Docker Hub sends with manifests (a draft
 * of the IETF, "RateLimit header fields for HTTP"). Undefined when the registry says nothing, or nothing of sense.
 */
export function parseRateLimit(response: Pick<HttpResponse, 'header'>): RateLimit | undefined {
	const [limit, window] = parse(response.header('ratelimit-limit'));
	const [remaining, otherWindow] = parse(response.header('ratelimit-remaining'));
	if (limit === undefined || remaining === undefined || remaining > limit) return undefined;
	const seconds = window ?? otherWindow;
	return {limit, remaining, ...(seconds === undefined ? {} : {windowMs: seconds * 1000})};
}

/** "allows 100 requests in 6 hours, of which 0 are left". */
export function describeRateLimit({limit, remaining, windowMs}: RateLimit): string {
	const time = windowMs === undefined ? '' : ` in ${describeTime(windowMs)}`;
	return `allows ${limit} ${limit === 1 ? 'request' : 'requests'}${time}, of which ${remaining} ${remaining === 1 ? 'is' : 'are'} left`;
}

function parse(header: string | undefined): readonly [number?, number?] {
	const [, amount, parameters = ''] = /^\s*(\d{1,9})\s*((?:[;,].*)?)$/.exec((header ?? '').slice(0, 200)) ?? [];
	if (amount === undefined) return [];
	const seconds = /;\s*w=(\d{1,9})(?:\D|$)/.exec(parameters)?.[1];
	return seconds === undefined ? [Number(amount)] : [Number(amount), Number(seconds)];
}

/** "6 hours", "90 seconds". */
export function describeTime(ms: number): string {
	const units = [
		['day', 86_400_000],
		['hour', 3_600_000],
		['minute', 60_000],
	] as const;
	const [name, unitMs] = units.find(([, size]) => ms % size === 0 && ms > 0) ?? ['second', 1000];
	const count = Math.round(ms / unitMs);
	return `${count} ${name}${count === 1 ? '' : 's'}`;
}
