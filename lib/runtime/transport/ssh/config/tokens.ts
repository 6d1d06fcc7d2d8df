import {hostname} from 'node:os';
import type {Operator} from '../options.js';
import {type ConfigLine, configError} from './parse.js';

export type Tokens = Readonly<Record<string, string>>;

/** The values of the tokens of ssh_config(5) for one host. */
export function tokensOf(about: {
	readonly name: string;
	readonly hostName: string;
	readonly user: string;
	readonly port: number | undefined;
	readonly operator: Operator;
	readonly alias: string | undefined;
}): Tokens {
	const local = hostname();
	return {
		'%': '%',
		d: about.operator.home,
		h: about.hostName,
		i: String(process.getuid?.() ?? ''),
		k: about.alias ?? about.hostName,
		L: local.split('.')[0] ?? local,
		l: local,
		n: about.name,
		p: String(about.port ?? 22),
		r: about.user,
		u: about.operator.user,
	};
}

/** Puts values in the place of tokens. @throws SealError ERR_SSH_CONFIG for tokens and variables that are not known here */
export function expandTokens(text: string, line: ConfigLine, tokens: Tokens): string {
	if (/\$\{/.test(text)) {
		throw configError(line, 'Variables of the environment are not expanded', 'Write the value itself.');
	}
	return text.replace(/%(.?)/gu, (token, letter: string) => {
		const value = tokens[letter];
		if (value === undefined) throw configError(line, `The token ${token} is not known here`, 'Write the value itself.');
		return value;
	});
}
