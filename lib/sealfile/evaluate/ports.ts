export type PortsResult =
	| {readonly ok: true; readonly ports: readonly string[]}
	| {readonly ok: false; readonly message: string; readonly hint?: string};

/** `[ip:][hostPort:]port[-end][/protocol]`, the parts as written; empty when absent. */
export interface PortParts {
	readonly ip: string;
	readonly hostPort: string;
	readonly port: string;
	readonly protocol: string;
}

const hint = 'Write PORT, FIRST-LAST or PORT/PROTOCOL with tcp, udp or sctp.';

/** The words of EXPOSE as config keys (`80/tcp`): ranges expanded, protocol in lower case, each once, sorted. */
export function parsePorts(words: readonly string[]): PortsResult {
	const ports = new Set<string>();
	for (const word of new Set(words)) {
		const {ip, hostPort, port, protocol} = splitPort(word);
		const name = protocol === '' ? 'tcp' : protocol.toLowerCase();
		if (!['tcp', 'udp', 'sctp'].includes(name)) return {ok: false, message: `Invalid proto: ${protocol}`, hint};
		if (port === '') return {ok: false, message: `No port specified: ${word}`, hint};
		const range = parseRange(port);
		if (range === undefined) return {ok: false, message: `Invalid containerPort: ${port}`, hint};
		if (hostPort !== '' && parseRange(hostPort) === undefined) {
			return {ok: false, message: `Invalid hostPort: ${hostPort}`, hint};
		}
		if (ip !== '' && !/^(\d{1,3}(\.\d{1,3}){3}|\[?[0-9a-fA-F:.]+\]?)$/.test(ip)) {
			return {ok: false, message: `Invalid IP address: ${ip}`, hint};
		}
		for (let number = range[0]; number <= range[1]; number++) ports.add(`${number}/${name}`);
	}
	return {ok: true, ports: [...ports].sort()};
}

/** Takes a word of EXPOSE apart without judging the parts. */
export function splitPort(word: string): PortParts {
	const slash = word.lastIndexOf('/');
	const protocol = slash === -1 ? '' : word.slice(slash + 1);
	const pieces = (slash === -1 ? word : word.slice(0, slash)).split(':');
	const port = pieces.pop() ?? '';
	const hostPort = pieces.pop() ?? '';
	return {ip: pieces.join(':'), hostPort, port, protocol};
}

function parseRange(text: string): readonly [number, number] | undefined {
	const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
	if (match === null) return undefined;
	const first = Number(match[1]);
	const last = match[2] === undefined ? first : Number(match[2]);
	return first <= last && last <= 65_535 ? [first, last] : undefined;
}
