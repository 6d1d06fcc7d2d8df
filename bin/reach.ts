import {userInfo} from 'node:os';
import {resolve} from 'node:path';
import {Secret} from '../lib/core/secret.js';
import {askWhenRefused, type LoginSecret} from '../lib/runtime/host/asking.js';
import type {EachHostOptions} from '../lib/runtime/host/each.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import {openTransport} from '../lib/runtime/transport/open.js';
import type {OpenTransport} from '../lib/runtime/transport/transport.js';
import type {Context} from './context.js';
import {readDuration} from './duration.js';
import {readJumpPassword, type SecretName, secrets} from './host-login.js';
import {type HostFlags, type LoginFlags, readHosts} from './hosts.js';

/** The hosts of a command and the way to them. */
export interface Reach {
	readonly hosts: readonly HostTarget[];
	readonly open: OpenTransport;
	/** For `eachHost`, `onHosts` and what is built on them. */
	readonly options: EachHostOptions;
}

/**
 * The hosts that the flags (host-flags.ts) and operands name, and transports to them. Nothing is connected yet. A password or
 * passphrase that turns out to be missing is asked for on the terminal, once for all hosts.
 * @throws UsageError; SealError ERR_IO, ERR_PERMISSION
 */
export async function reachHosts(
	flags: Partial<HostFlags> & LoginFlags,
	operands: readonly string[],
	context: Context,
): Promise<Reach> {
	return await reachTargets(await readHosts(flags, operands, context), flags, context);
}

/** As `reachHosts`, for hosts that are known already. @throws as `reachHosts` */
export async function reachTargets(hosts: readonly HostTarget[], flags: LoginFlags, context: Context): Promise<Reach> {
	return {hosts, ...(await openWays(flags, hosts.length > 1, context))};
}

/** The ways to hosts that are known otherwise. @throws UsageError; SealError ERR_IO, ERR_PERMISSION */
export async function openWays(
	flags: LoginFlags,
	isForMany: boolean,
	context: Context,
): Promise<Pick<Reach, 'open' | 'options'>> {
	const {io, signal, onEvent} = context;
	const config = flags['ssh-config'];
	const connectTimeoutMs = readDuration('--connect-timeout', flags['connect-timeout'] ?? '0') || undefined;
	const open = openTransport({
		operator: {user: userName(io.env), home: io.home, agent: io.env.SSH_AUTH_SOCK || undefined},
		hostKey: flags['host-key'],
		jumpPassword: await readJumpPassword(flags, context),
		configFiles: config === undefined ? undefined : config === 'none' ? [] : [resolve(io.cwd, config)],
		knownHostsFiles:
			flags['known-hosts'].length === 0 ? undefined : flags['known-hosts'].map(file => resolve(io.cwd, file)),
		connectTimeoutMs,
		onEvent,
	});
	return {
		open: askWhenRefused(open, async (secret, {name, login}, attempt) => {
			const whose = login.user === undefined ? name : `${login.user}@${name}`;
			const about = isForMany ? `${whose}, and all others that ask` : whose;
			const answer = await context.askSecret(
				`${attempt > 1 ? 'That was refused. ' : ''}${secrets[questions[secret]]} for ${about}: `,
			);
			return answer === undefined || answer === '' ? undefined : new Secret(answer);
		}),
		options: {signal, onEvent, concurrency: flags.concurrency},
	};
}

const questions: Readonly<Record<LoginSecret, SecretName>> = {
	password: 'password',
	passphrase: 'passphrase',
	sudoPassword: 'sudo-password',
};

/** The name of the user who runs this. Containers run under numbers that have none. */
export function userName(env: Readonly<Record<string, string | undefined>>): string {
	try {
		return userInfo().username;
	} catch {
		return env.USER || env.LOGNAME || 'root';
	}
}
