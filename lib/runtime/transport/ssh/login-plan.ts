import {join} from 'node:path';
import {hasCode, type SealError} from '../../../core/errors.js';
import type {Secret} from '../../../core/secret.js';
import type {HostLogin} from '../../host/target.js';
import type {HostSettings} from './config/settings.js';
import type {Identities, OpenedIdentity} from './identities.js';
import type {Operator} from './options.js';
import type {LoginStep, SshKey} from './ssh2.js';

/** A way to log in, and how reports call it. */
export interface PlannedStep {
	readonly step: LoginStep;
	readonly label: string;
}

/** All ways to log in to one host, in the order in which they are tried. */
export interface LoginPlan {
	readonly user: string;
	readonly steps: readonly PlannedStep[];
	/** Keys that would have been tried, had there been a passphrase. */
	readonly locked: readonly string[];
	/** Why keys that nobody named for this host were passed over. */
	readonly unusable: readonly string[];
}

export interface LoginSources {
	readonly user: string;
	readonly login: HostLogin;
	readonly settings: HostSettings;
	readonly operator: Operator;
	readonly identities: Identities;
	/** The keys of an agent; empty when it cannot be asked. */
	readonly agentKeys: (socket: string) => Promise<readonly SshKey[]>;
}

/**
 * Orders the ways to log in: what was named for the host comes first (keys, then the password), then what lies about (the keys of
 * an agent, the default keys), since servers hang up after a few wrong ones.
 * @throws SealError ERR_IDENTITY for a named key that is not there or cannot be used; ERR_IO, ERR_PERMISSION
 */
export async function planLogin(sources: LoginSources): Promise<LoginPlan> {
	const {login, settings, operator, identities} = sources;
	const socket = login.agent ?? settings.agent ?? operator.agent ?? false;
	const held = socket === false ? [] : await sources.agentKeys(socket);
	const steps: PlannedStep[] = [];
	const locked: string[] = [];
	const offered = new Set<string>();
	const offerAgent = (key: SshKey): void => {
		if (socket === false || !isFirst(offered, key.getPublicSSH())) return;
		const step = {method: 'agent', socket, key} as const;
		steps.push({step, label: key.comment === '' ? 'a key of the agent' : `the key "${key.comment}" of the agent`});
	};
	const offer = (opened: OpenedIdentity): void => {
		if (opened.kind === 'open' && isFirst(offered, opened.key.getPublicSSH())) {
			steps.push({step: {method: 'publickey', key: opened.key}, label: opened.label});
		}
		if (opened.kind !== 'locked') return;
		const twin = held.find(key => opened.publicKey !== undefined && key.getPublicSSH().equals(opened.publicKey));
		if (twin === undefined) locked.push(opened.label);
		else offerAgent(twin);
	};
	const unusable: string[] = [];
	/** As OpenSSH: a key of the configuration or a default key that is broken is passed over. */
	const offerUsual = async (file: string): Promise<void> => {
		try {
			offer(await identities.open({file}, login.passphrase));
		} catch (error) {
			if (!hasCode(error, 'ERR_IDENTITY')) throw error;
			unusable.push((error as SealError).message);
		}
	};
	for (const identity of login.identities ?? []) offer(await identities.openNamed(identity, login.passphrase));
	for (const file of settings.identityFiles) await offerUsual(file);
	if (login.password !== undefined) steps.push(...passwordSteps(login.password));
	if (!settings.identitiesOnly) for (const key of held) offerAgent(key);
	if (login.identities === undefined && settings.identityFiles.length === 0) {
		for (const name of defaultKeys) await offerUsual(join(operator.home, '.ssh', name));
	}
	return {user: sources.user, steps, locked, unusable};
}

const defaultKeys = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

function isFirst(offered: Set<string>, key: Buffer): boolean {
	const text = key.toString('base64');
	if (offered.has(text)) return false;
	offered.add(text);
	return true;
}

/** Servers with PAM often take passwords by keyboard-interactive only: one hidden question, answered with the password. */
function passwordSteps(password: Secret): readonly PlannedStep[] {
	return [
		{step: {method: 'password', password: password.reveal()}, label: 'the password'},
		{
			step: {
				method: 'keyboard-interactive',
				answer: prompts => prompts.map(({echo}) => (prompts.length === 1 && echo !== true ? password.reveal() : '')),
			},
			label: 'the password',
		},
	];
}
