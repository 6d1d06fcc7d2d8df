import {resolve} from 'node:path';
import type {HostLogin} from '../lib/runtime/host/target.js';
import type {clusterLoginFlags} from './cluster-flags.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {readLogin} from './host-login.js';
import type {LoginFlags} from './hosts.js';
import {secretVariables} from './secret-variables.js';
import {UsageError} from './usage-error.js';

export type ClusterLoginFlags = FlagValues<typeof clusterLoginFlags>;

/** What a command line says of logins, read once: who reads the flags again with this context is asked for nothing again. */
export interface ClusterLogin {
	/** In our own names. */
	readonly flags: LoginFlags;
	readonly context: Context;
	readonly login: HostLogin;
}

/** @throws UsageError; SealError ERR_IO, ERR_PERMISSION */
export async function readClusterLogin(flags: ClusterLoginFlags, context: Context): Promise<ClusterLogin> {
	const given = {
		...secretOf(flags, 'passwd', 'password', context),
		...secretOf(flags, 'pk-passwd', 'passphrase', context),
	};
	const known = {...flags, identity: [...flags.identity, ...flags.pk.map(file => resolve(context.io.cwd, file))]};
	const login = await readLogin(known, withVariables(context, given));
	const {password, passphrase, sudoPassword} = login;
	const answers = Object.entries({password, passphrase, 'sudo-password': sudoPassword}).flatMap(([name, secret]) =>
		secret === undefined ? [] : [[secretVariables[name as keyof typeof secretVariables], secret.reveal()] as const],
	);
	return {
		flags: {
			...known,
			ask: flags.ask.filter(name => name === 'jump-password'),
			'password-file': undefined,
			'passphrase-file': undefined,
			'sudo-password-file': undefined,
		},
		context: withVariables(context, Object.fromEntries(answers)),
		login,
	};
}

function secretOf(
	flags: ClusterLoginFlags,
	flag: 'passwd' | 'pk-passwd',
	name: 'password' | 'passphrase',
	context: Context,
): Readonly<Record<string, string>> {
	const value = flags[flag];
	if (value === undefined) return {};
	if (flags[`${name}-file`] !== undefined) {
		throw new UsageError(`--${flag} and --${name}-file both give the ${name}`, {hint: 'Leave out one of them.'});
	}
	if (value === '') throw new UsageError(`--${flag} is empty`);
	context.onEvent({
		type: 'warning',
		code: 'ERR_USAGE',
		message: `The ${name} in --${flag} can be read by everyone on this machine while the command runs`,
		hint: `Give it in ${secretVariables[name]} or with --${name}-file, or leave it out to be asked for it.`,
	});
	return {[secretVariables[name]]: value};
}

function withVariables(context: Context, variables: Readonly<Record<string, string>>): Context {
	const {io} = context;
	// The streams of a process are made when they are first asked for: they stay where they are.
	const own = Object.create(io, {env: {value: {...io.env, ...variables}, enumerable: true}}) as Context['io'];
	return {...context, io: own};
}
