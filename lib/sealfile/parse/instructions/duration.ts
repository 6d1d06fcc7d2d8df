const unitsNs: Readonly<Record<string, number>> = {
	ns: 1,
	us: 1000,
	'\u00b5s': 1000,
	'\u03bcs': 1000,
	ms: 1e6,
	s: 1e9,
	m: 60e9,
	h: 3600e9,
};

/** A duration as Go writes it (`1h30m`, `1.5s`, `-2ms`, `0`) in nanoseconds, or undefined when it is none. */
export function parseDuration(text: string): number | undefined {
	const sign = text.startsWith('-') ? -1 : 1;
	const body = text.replace(/^[+-]/, '');
	if (body === '0') return 0;
	if (body === '' || body.length > 64) return undefined;
	const part = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/gy;
	let totalNs = 0;
	let end = 0;
	for (let match = part.exec(body); match !== null; match = part.exec(body)) {
		totalNs += Number(match[1]) * unitsNs[match[2]!]!;
		end = part.lastIndex;
	}
	return end === body.length && Number.isSafeInteger(Math.trunc(totalNs)) ? sign * Math.trunc(totalNs) : undefined;
}
