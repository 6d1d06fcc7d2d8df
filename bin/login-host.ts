import {parseReference} from '../lib/oci/reference.js';
import {readArgument, UsageError} from './usage-error.js';

/** What a login is for. */
export interface LoginHost {
	readonly host: string;
	/** The host, or a path of repositories below it: the key under which the login is kept. */
	readonly key: string;
}

/** Reads HOST[/PATH] as people write it: also as a URL, and with the version of the protocol behind it. @throws UsageError */
export function readLoginHost(text: string): LoginHost {
	const bare = text
		.trim()
		.replace(/^https?:\/\//i, '')
		.replace(/\/+$/, '')
		.replace(/^([^/]+)\/v[12]$/, '$1');
	const [first = ''] = bare.split('/');
	const {domain, path} = readArgument('HOST', () => parseReference(`${bare}/x`));
	if (domain === 'docker.io' && !/^(?:index\.)?docker\.io$/.test(first)) {
		throw new UsageError(`HOST: ${JSON.stringify(first)} is no host of a registry: it has neither a dot nor a port`, {
			hint: `Write it with its port, as in ${first || 'registry'}:443.`,
		});
	}
	const below = path.replace(/^library\/(?=x$)/, '').replace(/\/?x$/, '');
	return {host: domain, key: below === '' ? domain : `${domain}/${below}`};
}
