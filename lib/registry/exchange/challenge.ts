/** One way to authenticate that a server offers. */
export interface Challenge {
	/** Lower case: `bearer`, `basic`. */
	readonly scheme: string;
	/** By lower-case name. */
	readonly parameters: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterPattern = new RegExp(`^\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*(?:,|$)`);
const schemePattern = new RegExp(`^\\s*,*\\s*(${token})(?:\\s+|\\s*,|$)`);
/** Longer headers are no challenges; the limit keeps the expressions cheap. */
const maxLength = 16 * 1024;

/**
 * Reads `WWW-Authenticate` (RFC 7235, section 4.1): several challenges in one header or in several that were joined,
 * quoted strings with commas in them, names in any case. What cannot be read is passed over.
 */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
	const challenges: {scheme: string; parameters: Record<string, string>}[] = [];
	let rest = (header ?? '').slice(0, maxLength);
	while (rest.trim() !== '') {
		const parameter = parameterPattern.exec(rest);
		const current = challenges.at(-1);
		if (parameter !== null && current !== undefined) {
			const [whole, name = '', quoted, plain = ''] = parameter;
			current.parameters[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1');
			rest = rest.slice(whole.length);
			continue;
		}
		const scheme = schemePattern.exec(rest);
		if (scheme === null) {
			// A token68 (as Negotiate has it) or rubbish: go on after the next comma.
			const comma = rest.indexOf(',');
			rest = comma === -1 ? '' : rest.slice(comma + 1);
			continue;
		}
		challenges.push({
			scheme: (scheme[1] ?? '').toLowerCase(),
			parameters: Object.create(null) as Record<string, string>,
		});
		rest = rest.slice(scheme[0].length);
	}
	return challenges;
}
