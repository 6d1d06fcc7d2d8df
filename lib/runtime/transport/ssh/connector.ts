import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import {Connection} from './connection.js';
import {dialDirectly, dialThrough, type JumpLink} from './dial.js';
import type {Endpoint} from './failure.js';
import type {KnownAs} from './host-key.js';
import {knownName} from './known-hosts.js';
import {logIn} from './log-in.js';
import type {Route, Stop} from './route.js';
import type {Shared} from './shared.js';
import type {SshSession} from './ssh2.js';

/** Makes connections along routes. Those to jump hosts are shared by all routes that begin alike. */
export interface Connector {
	/** Logs in to the last stop of a route, over its jump hosts. @throws HostError of that stop */
	connect(route: Route, options: Abortable): Promise<SshSession>;
	/** Keeps the connections to the jump hosts of a route until `release`, so that they are not made for each host anew. */
	hold(route: Route): {release(): void};
}

export function createConnector(shared: Shared): Connector {
	const jumps = new Map<string, {readonly connection: Connection; users: number}>();
	const connectStop = async (route: Route, options: Abortable): Promise<SshSession> => {
		const stop = lastOf(route);
		const to = endpointOf(stop);
		const timeoutMs = shared.options.connectTimeoutMs ?? stop.settings.connectTimeoutMs ?? 15_000;
		const files = await shared.knownHosts(stop.settings);
		const plan = await shared.plan(stop);
		const before = route.slice(0, -1);
		// The way to a jump host has a time-out of its own.
		const jump = isRoute(before) ? await linkJump(before, to, options) : undefined;
		const deadline = performance.now() + timeoutMs;
		const stream =
			jump === undefined
				? await dialDirectly(to, {...options, timeoutMs, family: stop.settings.family})
				: await dialThrough(jump, to, {...options, timeoutMs});
		return await logIn(stream, {
			...options,
			onEvent: shared.options.onEvent,
			...{to, files, plan},
			knownAs: knownAs(stop),
			policy: shared.options.hostKey ?? stop.settings.hostKey ?? 'accept-new',
			hashed: stop.settings.hashKnownHosts,
			timeoutMs: Math.max(1, deadline - performance.now()),
			silenceMs: shared.options.silenceTimeoutMs ?? 30_000,
		});
	};
	const linkJump = async (route: Route, to: Endpoint, options: Abortable): Promise<JumpLink> => {
		const jump = jumps.get(keyOf(route));
		const stop = lastOf(route);
		if (jump === undefined) throw new Error('The jump host is not held');
		try {
			const {session} = await jump.connection.link(options);
			return {who: `jump host ${stop.host}`, session};
		} catch (error) {
			throw error instanceof HostError ? jumpError(to, stop, error) : error;
		}
	};
	const hold = (route: Route): {release(): void} => {
		const before = route.slice(0, -1);
		if (!isRoute(before)) return {release: () => undefined};
		const key = keyOf(before);
		const further = hold(before);
		const found = jumps.get(key) ?? {
			connection: new Connection(endpointOf(lastOf(before)), options => connectStop(before, options), shared.options),
			users: 0,
		};
		found.users++;
		jumps.set(key, found);
		let released = false;
		return {
			release() {
				if (released) return;
				released = true;
				if (--found.users === 0) {
					jumps.delete(key);
					found.connection.close();
				}
				further.release();
			},
		};
	};
	return {connect: connectStop, hold};
}

function jumpError(to: Endpoint, stop: Stop, error: HostError): HostError {
	// What the jump host accepts says nothing of the host: nobody is to be asked for the host's password because of it.
	const {accepted: _accepted, ...details} = error.details;
	return new HostError(to.host, error.code, `Jump host ${stop.host}: ${error.message}`, {
		hint: error.code === 'ERR_HOST_LOGIN' ? jumpHint : error.hint,
		details: {...details, host: to.host, jump: stop.host},
		cause: error.cause,
	});
}

const jumpHint = 'Name a key of the jump host with --identity, or its password with --jump-password-file.';

export function endpointOf(stop: Stop): Endpoint {
	return {host: stop.host, address: stop.address, port: stop.port};
}

function lastOf(route: Route): Stop {
	return route.at(-1)!;
}

function isRoute(stops: readonly Stop[]): stops is Route {
	return stops.length > 0;
}

/** What the key of a stop is looked up as. */
function knownAs({host, address, port, settings}: Stop): KnownAs {
	const alias = settings.hostKeyAlias?.toLowerCase();
	return {
		host,
		name: alias ?? knownName(address, port),
		bareName: alias !== undefined || port === 22 ? undefined : address.toLowerCase(),
	};
}

/** The same way with the same keys. */
function keyOf(route: Route): string {
	return JSON.stringify(
		route.map(({user, address, port, login}) => [
			user,
			address,
			port,
			login.agent,
			login.identities?.map(identity => ('file' in identity ? identity.file : identity.key.reveal())),
		]),
	);
}
