import type {CredentialSource, Credentials} from '../lib/registry/login/credentials.js';
import type {Context} from './context.js';
import type {GivenCredentials} from './registry-source.js';
import {UsageError} from './usage-error.js';

/** The logins of flags for their registries, and `others` for all else. A missing password is asked for when it is needed. */
export function givenCredentials(
	given: readonly GivenCredentials[],
	others: CredentialSource,
	context: Context,
): CredentialSource {
	const byHost = new Map(given.map(one => [one.host, readGiven(one, context)]));
	return async (host, repository, options) => {
		const own = byHost.get(host);
		return own === undefined ? await others(host, repository, options) : await own();
	};
}

function readGiven({creds, flag = '--creds', host}: GivenCredentials, context: Context): () => Promise<Credentials> {
	const colon = creds.indexOf(':');
	const username = colon === -1 ? creds : creds.slice(0, colon);
	if (username === '') throw new UsageError(`${flag} is USER[:PASSWORD], found no user`);
	const origin = flag;
	if (colon !== -1) {
		const password = creds.slice(colon + 1);
		context.onEvent({
			type: 'warning',
			code: 'ERR_USAGE',
			message: `The password in ${flag} can be read by everyone on this machine while the command runs`,
			hint: `Leave it out to be asked for it, or run "sealimage login --password-stdin ${host}" before.`,
		});
		return async () => ({kind: 'password', username, password, origin});
	}
	let asked: Promise<Credentials> | undefined;
	return async () => {
		asked ??= askPassword(username, host, flag, context).then(password => ({
			kind: 'password',
			username,
			password,
			origin,
		}));
		return await asked;
	};
}

async function askPassword(username: string, host: string, flag: string, context: Context): Promise<string> {
	const password = await context.askSecret(`Password of ${username} for ${host}: `);
	if (password !== undefined) return password;
	throw new UsageError(`${flag} has no password, and there is no terminal to ask for it`, {
		hint: `Run "sealimage login --password-stdin ${host}" before.`,
	});
}
