import {hasCode, SealError} from '../../../core/errors.js';
import {parseHostAddress} from '../../host/address.js';
import type {HostLogin, HostTarget} from '../../host/target.js';
import type {LoadedConfig} from './config/load.js';
import {type HostSettings, hostSettings} from './config/settings.js';
import type {Operator} from './options.js';

/** One server of SSH on the way to a host, or the host itself. */
export interface Stop {
	/** How reports call it. */
	readonly host: string;
	readonly address: string;
	readonly port: number;
	readonly user: string;
	readonly settings: HostSettings;
	readonly login: HostLogin;
}

/** The way to a host: its jump hosts in the order they are taken, then the host. */
export type Route = readonly [...Stop[], Stop];

/**
 * Finds the way to a host from what the caller says, then from the configuration. Keys that were named for the host are offered
 * to its jump hosts too; its password is not.
 * @throws SealError ERR_SSH_CONFIG, ERR_HOST_INVALID for jump hosts that cannot be understood
 */
export function findRoute(
	target: HostTarget,
	config: LoadedConfig,
	operator: Operator,
	jumpPassword: HostLogin['password'],
): Route {
	const {login} = target;
	const settings = hostSettings(config, target.address, operator, login);
	const jumpLogin: HostLogin = {
		identities: login.identities,
		passphrase: login.passphrase,
		agent: login.agent,
		password: jumpPassword,
	};
	const jumps = findJumps(login.jumps ?? jumpsOf(settings, target.address), config, operator, jumpLogin, 0);
	return [...jumps, stopOf(target.name, settings, login)];
}

const maxJumps = 8;

function findJumps(
	jumps: readonly string[],
	config: LoadedConfig,
	operator: Operator,
	login: HostLogin,
	depth: number,
): readonly Stop[] {
	return jumps.flatMap((text, index) => {
		const jump = parseJump(text);
		const settings = hostSettings(config, jump.address, operator, jump);
		// The first jump host may itself be behind others; the way to each further one is the one before it.
		const before = index === 0 ? jumpsOf(settings, jump.address) : [];
		if (before.length > 0 && depth >= maxJumps) {
			throw new SealError('ERR_SSH_CONFIG', `The way to the jump host ${jump.address} leads in circles`, {
				hint: 'Correct ProxyJump in the configuration of SSH.',
			});
		}
		return [...findJumps(before, config, operator, login, depth + 1), stopOf(jump.address, settings, login)];
	});
}

/** Nobody goes through himself: `Host *` with a ProxyJump means all others. */
function jumpsOf(settings: HostSettings, name: string): readonly string[] {
	return settings.jumps.some(jump => parseJump(jump).address === name) ? [] : settings.jumps;
}

function parseJump(text: string): ReturnType<typeof parseHostAddress> {
	try {
		return parseHostAddress(text.replace(/^ssh:\/\//, ''));
	} catch (error) {
		if (!hasCode(error, 'ERR_HOST_INVALID')) throw error;
		throw new SealError('ERR_SSH_CONFIG', `The jump host ${JSON.stringify(text.slice(0, 100))} is no host`, {
			hint: 'Write jump hosts as [USER@]HOST[:PORT], with commas between them.',
			cause: error,
		});
	}
}

function stopOf(host: string, settings: HostSettings, login: HostLogin): Stop {
	return {host, address: settings.hostName, port: settings.port ?? 22, user: settings.user, settings, login};
}
