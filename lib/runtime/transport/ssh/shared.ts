import {join} from 'node:path';
import {emit} from '../../../core/events.js';
import type {HostTarget} from '../../host/target.js';
import {loadConfig} from './config/load.js';
import type {HostSettings} from './config/settings.js';
import {createIdentities} from './identities.js';
import {type KnownHostsFiles, loadKnownHosts} from './known-hosts-files.js';
import {type LoginPlan, planLogin} from './login-plan.js';
import type {OpenTransportOptions} from './options.js';
import {findRoute, type Route, type Stop} from './route.js';
import {agentKeys, type SshKey} from './ssh2.js';

/** What all hosts of one run share: files are read once, keys opened once, the agent asked once. */
export interface Shared {
	readonly options: OpenTransportOptions;
	/** @throws SealError as `loadConfig` and `findRoute` */
	route(target: HostTarget): Promise<Route>;
	/** @throws SealError as `planLogin` */
	plan(stop: Stop): Promise<LoginPlan>;
	/** @throws SealError as `loadKnownHosts` */
	knownHosts(settings: HostSettings): Promise<KnownHostsFiles>;
}

export function createShared(options: OpenTransportOptions): Shared {
	const {operator} = options;
	const identities = createIdentities();
	const config = once(() => loadConfig(options.configFiles ?? defaultConfig(operator.home), operator.home));
	const known = new Map<string, Promise<KnownHostsFiles>>();
	const agents = new Map<string, Promise<readonly SshKey[]>>();
	const told = new Set<string>();
	const tellUnfollowed = ({unfollowed}: HostSettings): void => {
		for (const {keyword, file, line} of unfollowed) {
			const place = `${file}:${line}`;
			if (told.has(place)) continue;
			told.add(place);
			emit(options, {
				type: 'warning',
				code: 'ERR_SSH_CONFIG',
				message: `${keyword} in line ${line} of ${file} is not followed`,
				file,
				line,
			});
		}
	};
	return {
		options,
		async route(target) {
			const route = findRoute(target, await config(), operator, options.jumpPassword);
			for (const stop of route) tellUnfollowed(stop.settings);
			return route;
		},
		plan: stop =>
			planLogin({
				...stop,
				operator,
				identities,
				agentKeys: socket =>
					remembered(agents, socket, async () => {
						try {
							return await agentKeys(socket);
						} catch {
							// Environments often name an agent that is gone; what it would have held is missed at the login.
							return [];
						}
					}),
			}),
		knownHosts(settings) {
			const files = options.knownHostsFiles ?? settings.knownHostsFiles ?? [join(operator.home, '.ssh', 'known_hosts')];
			const global = settings.globalKnownHostsFiles ?? globalKnownHosts;
			return remembered(known, JSON.stringify([files, global]), () => loadKnownHosts(files, global));
		},
	};
}

const globalKnownHosts = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

function defaultConfig(home: string): readonly string[] {
	return [join(home, '.ssh', 'config'), '/etc/ssh/ssh_config'];
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
	let running: Promise<T> | undefined;
	return () => {
		running ??= work();
		return running;
	};
}

function remembered<T>(kept: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
	const found = kept.get(key) ?? work();
	kept.set(key, found);
	return found;
}
