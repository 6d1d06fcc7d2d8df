import {SealError} from '../../lib/core/errors.js';
import {checkCredentials} from '../../lib/registry/login/check.js';
import type {Credentials} from '../../lib/registry/login/credentials.js';
import {keepLogin} from '../../lib/registry/login/keep.js';
import {credentialsFromFiles} from '../../lib/registry/login/sources.js';
import {defineCommand, type FlagValues, type Result} from '../command.js';
import type {Context} from '../context.js';
import {loginFile, loginFiles} from '../login-files.js';
import {type LoginHost, readLoginHost} from '../login-host.js';
import {readSecret} from '../read-secret.js';
import {registryFlags} from '../registry-flags.js';
import {registryOptions} from '../registry-source.js';
import {UsageError} from '../usage-error.js';

const flags = {
	username: {type: 'string', short: 'u', value: 'USER', help: 'the user; asked for on the terminal without it'},
	password: {
		type: 'string',
		short: 'p',
		value: 'PASSWORD',
		help: 'the password; everyone on the machine can read it there, so rather leave it out or use --password-stdin',
	},
	'password-stdin': {type: 'boolean', help: 'read the password from stdin'},
	'get-login': {type: 'boolean', help: 'print the user of the login that is kept, and log in to nothing'},
	...registryFlags,
} as const;

export const command = defineCommand({
	description:
		"The login is shown to the registry first and kept when it is good. It goes to docker's config.json, which docker, podman, skopeo and sealimage all read, or to the credential helper that this file names for the registry. --authfile and REGISTRY_AUTH_FILE name another file.",
	operands: [
		{
			name: 'HOST',
			help: 'the registry, or a path of repositories on it (default docker.io)',
			optional: true,
			completes: 'none',
		},
	],
	flags,
	examples: [
		{about: 'Ask for user and password', line: 'sealimage login registry.example.com'},
		{
			about: 'In a script',
			line: 'sealimage login -u ci --password-stdin registry.example.com:5000 < password.txt',
		},
		{about: 'Who am I there?', line: 'sealimage login --get-login registry.example.com'},
	],
	async run({operands: [text = 'docker.io'], flags: given}, context) {
		const target = readLoginHost(text);
		return given['get-login'] ? await getLogin(target, given, context) : await login(target, given, context);
	},
});

type Given = FlagValues<typeof flags>;

async function login({host, key}: LoginHost, given: Given, context: Context): Promise<Result> {
	const {username, password} = await askLogin(host, given, context);
	const {io, signal, onEvent} = context;
	const credentials: Credentials = {kind: 'password', username, password};
	const {credentials: _, ...reach} = registryOptions(given, context, [], true);
	const checked = await checkCredentials(host, credentials, {...reach, signal, onEvent});
	const file = loginFile(given.authfile, io);
	const kept = await keepLogin(file, key, {username, password}, {env: io.env, signal});
	if (!checked) context.note(`${host} lets everyone in: it did not look at the login.`);
	return {
		json: {host, key, username, kept, checked},
		text: () => `Logged in to ${key} as ${username}; the login is kept in ${kept}`,
	};
}

async function askLogin(
	host: string,
	given: Given,
	context: Context,
): Promise<{readonly username: string; readonly password: string}> {
	if (given['password-stdin'] && given.password !== undefined)
		throw new UsageError('--password and --password-stdin are both given', {hint: 'Use --password-stdin.'});
	if (given['password-stdin'] && given.username === undefined)
		throw new UsageError('--password-stdin needs --username', {hint: 'Name the user with --username.'});
	const username = given.username ?? (await context.ask(`User of ${host}: `))?.trim();
	if (username === undefined) throw noTerminal('user', '--username');
	if (username === '' || /[:\u0000-\u001f]/.test(username))
		throw new UsageError('The name of the user is empty, or has a colon or a control character in it');
	if (given.password !== undefined) {
		context.onEvent({
			type: 'warning',
			code: 'ERR_USAGE',
			message: 'The password in --password can be read by everyone on this machine while the command runs',
			hint: 'Use --password-stdin.',
		});
	}
	const password =
		given.password ??
		(given['password-stdin']
			? await readSecret(context.io)
			: await context.askSecret(`Password of ${username} for ${host}: `));
	if (password === undefined) throw noTerminal('password', '--password-stdin');
	if (password === '') throw new UsageError('The password is empty');
	return {username, password};
}

function noTerminal(what: string, flag: string): UsageError {
	return new UsageError(`There is no terminal to ask for the ${what}`, {hint: `Give it with ${flag}.`});
}

async function getLogin({host, key}: LoginHost, given: Given, {io, signal}: Context): Promise<Result> {
	const files = loginFiles(given.authfile, io);
	const found = await credentialsFromFiles(files, {env: io.env})(host, key.slice(host.length + 1), {signal});
	if (found === undefined) {
		throw new SealError('ERR_CREDENTIALS', `No login for ${key} is kept`, {
			hint: `Log in with "sealimage login ${key}".`,
			details: {files: files.map(({shown, path}) => shown ?? path)},
		});
	}
	const username = found.kind === 'registry-token' ? '<token>' : (found.username ?? '<token>');
	return {json: {host, key, username, kept: found.origin}, text: () => username};
}
