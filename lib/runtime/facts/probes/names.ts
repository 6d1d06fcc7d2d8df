import type {Answers} from '../answers.js';
import type {NetworkFacts} from '../facts.js';
import type {Probe} from '../probe.js';

/** How the host finds names, and the proxies that its programs are told to use. */
export const namesProbe: Probe<Pick<NetworkFacts, 'nameServers' | 'searchDomains' | 'proxies'>> = {
	script: () => `want /etc/resolv.conf /run/systemd/resolve/resolv.conf
pick '^[[:space:]]*(export[[:space:]]+)?(https?|no|all|HTTPS?|NO|ALL)_(proxy|PROXY)=' /etc/environment`,
	read: answers => {
		const own = answers.lines('/etc/resolv.conf');
		const behind = answers.lines('/run/systemd/resolve/resolv.conf');
		// The stub of systemd-resolved passes on to the servers that its other file names.
		const stub = nameServers(own).every(address => address === '127.0.0.53') && nameServers(behind).length > 0;
		return {
			nameServers: nameServers(stub ? behind : own),
			searchDomains: values(own, /^(?:search|domain)\s+(.*)$/)
				.flatMap(names => names.split(/\s+/).filter(Boolean))
				.slice(0, 32),
			proxies: readProxies(answers),
		};
	},
};

const nameServers = (lines: readonly string[]): string[] =>
	values(lines, /^nameserver\s+([0-9a-fA-F.:]+(?:%\S+)?)/).slice(0, 16);

function values(lines: readonly string[], pattern: RegExp): string[] {
	return lines.map(line => pattern.exec(line.trim())?.[1]).filter(value => value !== undefined);
}

/** A proxy's address may hold a login: everything before the last @ goes. */
function readProxies(answers: Answers): Record<string, string> {
	const found: Record<string, string> = {};
	for (const line of answers.lines('/etc/environment')) {
		const match = /^\s*(?:export\s+)?((?:https?|no|all)_proxy)=(.*)$/i.exec(line);
		if (match === null) continue;
		const value = match[2]!.trim().replace(/^(["'])(.*)\1$/, '$2');
		found[match[1]!.toLowerCase()] = value.replace(/^([a-z0-9+.-]+:\/\/)?.*@/i, '$1');
	}
	return found;
}
