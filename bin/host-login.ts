import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {collect} from '../lib/core/bytes.js';
import {withIo} from '../lib/core/io-error.js';
import {Secret} from '../lib/core/secret.js';
import {parseHostAddress} from '../lib/runtime/host/address.js';
import type {HostLogin} from '../lib/runtime/host/target.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import type {loginFlags} from './host-flags.js';
import {secretVariables} from './secret-variables.js';
import {readArgument, UsageError} from './usage-error.js';

/** What a question calls each secret of a login. */
export const secrets = {
	password: 'Password',
	passphrase: 'Passphrase of the private key',
	'jump-password': 'Password of the jump hosts',
	'sudo-password': 'Password of sudo',
} as const;

export type SecretName = keyof typeof secrets;

/** What the command line says of every login. @throws UsageError; SealError ERR_IO, ERR_PERMISSION */
export async function readLogin(flags: FlagValues<typeof loginFlags>, context: Context): Promise<HostLogin> {
	const {io} = context;
	if ((flags.port ?? 1) > 65_535) throw new UsageError(`--port is a number from 1 to 65535, found "${flags.port}"`);
	for (const jump of flags.jump) readArgument('--jump', () => parseHostAddress(jump));
	const password = await readSecretOf('password', flags, context);
	const passphrase = await readSecretOf('passphrase', flags, context);
	const sudoPassword = await readSecretOf('sudo-password', flags, context);
	return {
		...(flags.user === undefined ? {} : {user: flags.user}),
		...(flags.port === undefined ? {} : {port: flags.port}),
		...(password === undefined ? {} : {password}),
		...(passphrase === undefined ? {} : {passphrase}),
		...(sudoPassword === undefined ? {} : {sudoPassword}),
		...(flags.identity.length === 0 ? {} : {identities: flags.identity.map(file => ({file: resolve(io.cwd, file)}))}),
		...(flags.agent ? {} : {agent: false}),
		...(flags.jump.length === 0 ? {} : {jumps: flags.jump}),
	};
}

/** For jump hosts, which never see the password of the hosts behind them. @throws as `readLogin` */
export async function readJumpPassword(
	flags: FlagValues<typeof loginFlags>,
	context: Context,
): Promise<Secret | undefined> {
	return await readSecretOf('jump-password', flags, context);
}

/** From its file, else from the environment, else from the terminal when --ask says so. */
async function readSecretOf(
	name: SecretName,
	flags: FlagValues<typeof loginFlags>,
	context: Context,
): Promise<Secret | undefined> {
	const file = flags[`${name}-file`];
	if (file !== undefined) return new Secret(await readSecretFile(file, `--${name}-file`, context));
	const variable = secretVariables[name];
	if (flags.ask.includes(name)) {
		const answer = await context.askSecret(`${secrets[name]} for all hosts: `);
		if (answer === undefined) {
			throw new UsageError(`There is no terminal to ask for the ${name.replace('-', ' ')}`, {
				hint: `Give it with --${name}-file, or in ${variable}.`,
			});
		}
		return new Secret(answer);
	}
	const value = context.io.env[variable];
	return value === undefined || value === '' ? undefined : new Secret(value);
}

async function readSecretFile(path: string, flag: string, {io, onEvent}: Context): Promise<string> {
	const whole = resolve(io.cwd, path);
	const text = await withIo('read', path, async () => {
		const found = await stat(whole);
		if (found.isFile() && (found.mode & 0o077) !== 0) {
			onEvent({
				type: 'warning',
				code: 'ERR_USAGE',
				message: `The secret in ${path} can be read by others on this machine`,
				hint: `Run "chmod 600 ${path}".`,
			});
		}
		return (await collect(createReadStream(whole), 64 * 1024, path)).toString('utf8');
	});
	const secret = text.replace(/\r?\n$/, '');
	if (secret === '') throw new UsageError(`${flag}: ${path} is empty`);
	return secret;
}
