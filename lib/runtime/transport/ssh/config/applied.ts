import type {Operator} from '../options.js';
import {type ConfigLine, configError} from './parse.js';
import {matchesPatterns} from './patterns.js';
import {expandTokens} from './tokens.js';

/** The lines that apply to one host: of each keyword those whose Host or Match block fits, in the order they were met. */
export class AppliedLines {
	readonly #lines = new Map<string, ConfigLine[]>();
	readonly #order: ConfigLine[] = [];
	readonly #unfollowed: ConfigLine[] = [];
	readonly #name: string;
	readonly #operator: Operator;
	readonly #user: string | undefined;

	constructor(name: string, operator: Operator, user: string | undefined) {
		this.#name = name;
		this.#operator = operator;
		this.#user = user;
	}

	read(lines: readonly ConfigLine[], enclosing: boolean): void {
		let active = enclosing;
		for (const line of lines) {
			if (line.keyword === 'host') active = enclosing && matchesPatterns(this.#name, line.args);
			else if (line.keyword === 'match') active = enclosing && this.#matches(line);
			else if (line.included !== undefined) for (const file of line.included) this.read(file, active);
			else if (active) this.#add(line);
		}
	}

	first(keyword: string): ConfigLine | undefined {
		return this.#lines.get(keyword)?.[0];
	}

	all(keyword: string): readonly ConfigLine[] {
		return this.#lines.get(keyword) ?? [];
	}

	isYes(keyword: string): boolean {
		return this.first(keyword)?.args[0]?.toLowerCase() === 'yes';
	}

	/** ProxyJump and ProxyCommand exclude each other: the first one met counts. */
	isBefore(keyword: string, line: ConfigLine): boolean {
		const other = this.first(keyword);
		return other !== undefined && this.#order.indexOf(other) < this.#order.indexOf(line);
	}

	user(): string {
		return this.#user ?? this.first('user')?.args[0] ?? this.#operator.user;
	}

	port(): number | undefined {
		const line = this.first('port');
		if (line === undefined) return undefined;
		const port = Number(line.args[0]);
		if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
		throw configError(line, 'Expected a port from 1 to 65535', 'Correct the line.');
	}

	expand(keyword: string, tokens: Readonly<Record<string, string>>): string | undefined {
		const line = this.first(keyword);
		return line === undefined ? undefined : expandTokens(line.args[0] ?? '', line, tokens);
	}

	refuse(keyword: string, isWrong: (line: ConfigLine) => boolean): void {
		const line = this.first(keyword);
		if (line === undefined || !isWrong(line)) return;
		const hint = {
			hostname: 'Write a name or an address.',
			proxycommand: 'Write ProxyJump instead, or name the way with --jump.',
			revokedhostkeys: 'Write the keys as @revoked lines into known_hosts instead.',
		}[keyword];
		throw configError(line, `${line.keyword} cannot be followed`, hint ?? 'Take the line out.');
	}

	unfollowed(): readonly ConfigLine[] {
		return this.#unfollowed;
	}

	#add(line: ConfigLine): void {
		const known = this.#lines.get(line.keyword);
		if (known === undefined) {
			this.#lines.set(line.keyword, [line]);
			this.#order.push(line);
			const harmless = told.get(line.keyword);
			if (harmless !== undefined && !harmless.includes(line.rest.toLowerCase())) this.#tell(line);
		} else known.push(line);
	}

	/** Distributions fill their own files with policies (ciphers and the like) that nobody here has asked for. */
	#tell(line: ConfigLine): void {
		if (!line.file.startsWith('/etc/')) this.#unfollowed.push(line);
	}

	/** All criteria of a Match line must hold. Those that are not known here do not. */
	#matches(line: ConfigLine): boolean {
		const words = [...line.args];
		let holds = words.length > 0;
		while (words.length > 0) {
			const word = words.shift()!.toLowerCase();
			const negated = word.startsWith('!');
			const criterion = negated ? word.slice(1) : word;
			if (criterion === 'all') continue;
			if (criterion === 'canonical' || criterion === 'final') {
				holds &&= negated;
				continue;
			}
			const subject = this.#subject(criterion);
			const patterns = words.shift()?.split(',') ?? [];
			if (subject === undefined) {
				this.#tell(line);
				return false;
			}
			holds &&= matchesPatterns(subject, patterns) !== negated;
		}
		return holds;
	}

	#subject(criterion: string): string | undefined {
		switch (criterion) {
			case 'host':
				return this.expand('hostname', {'%': '%', h: this.#name}) ?? this.#name;
			case 'originalhost':
				return this.#name;
			case 'user':
				return this.user();
			case 'localuser':
				return this.#operator.user;
			default:
				return undefined;
		}
	}
}

/** They change who is talked to, or how one logs in; leaving them out is told, unless they say what is done anyway. */
const told = new Map<string, readonly string[]>([
	['bindaddress', ['none']],
	['bindinterface', ['none']],
	['canonicalizehostname', ['no']],
	['casignaturealgorithms', ['none']],
	['certificatefile', ['none']],
	['ciphers', ['none']],
	['hostkeyalgorithms', ['none']],
	['kexalgorithms', ['none']],
	['knownhostscommand', ['none']],
	['macs', ['none']],
	['passwordauthentication', ['yes']],
	['pkcs11provider', ['none']],
	['preferredauthentications', ['none']],
	['pubkeyauthentication', ['yes']],
	['securitykeyprovider', ['none']],
]);
