import test from 'ava';
import type {ErrorCode} from '../../../lib/core/codes.js';
import {Secret} from '../../../lib/core/secret.js';
import {type AskSecret, askWhenRefused} from '../../../lib/runtime/host/asking.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import {parseHostList, resolveHosts} from '../../../lib/runtime/host/list.js';
import type {HostLogin, HostTarget} from '../../../lib/runtime/host/target.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';
import type {OpenTransport} from '../../../lib/runtime/transport/transport.js';

const hosts = resolveHosts(parseHostList('10.0.0.1-10.0.0.20'));

/** Hosts that let in only who has what `wanted` says. */
function guarded(wanted: (login: HostLogin) => ErrorCode | undefined, opened: string[] = []): OpenTransport {
	return target => {
		const local = createLocalTransport({host: target.name});
		opened.push(target.name);
		return {
			...local,
			async spawn(argv, options) {
				const code = wanted(target.login);
				if (code !== undefined)
					throw new HostError(target.name, code, 'Refused', {details: {accepted: ['publickey', 'password']}});
				return await local.spawn(argv, options);
			},
		};
	};
}

async function spawnOn(
	open: OpenTransport,
	on: readonly HostTarget[] = hosts,
): Promise<readonly (number | string | undefined)[]> {
	return await Promise.all(
		on.map(async host => {
			const transport = open(host);
			try {
				const process = await transport.spawn(['true'], {as: 'login'});
				process.stdin.end();
				process.stdout.resume();
				process.stderr.resume();
				return (await process.exit).code;
			} catch (error) {
				return (error as HostError).code;
			} finally {
				await transport.close();
			}
		}),
	);
}

test('a password is asked for once for all hosts that want it, at the same time or later', async t => {
	const asked: string[] = [];
	const ask: AskSecret = async secret => {
		asked.push(secret);
		return new Secret('right');
	};
	const open = askWhenRefused(
		guarded(login => (login.password?.reveal() === 'right' ? undefined : 'ERR_HOST_LOGIN')),
		ask,
	);
	t.deepEqual(await spawnOn(open), Array(20).fill(0));
	t.deepEqual(await spawnOn(open), Array(20).fill(0));
	t.deepEqual(asked, ['password']);
});

test('one secret after another is asked for', async t => {
	const asked: string[] = [];
	const open = askWhenRefused(
		guarded(({password, sudoPassword}) =>
			password === undefined ? 'ERR_HOST_LOGIN' : sudoPassword === undefined ? 'ERR_SUDO_PASSWORD_NEEDED' : undefined,
		),
		async secret => {
			asked.push(secret);
			return new Secret('x');
		},
	);
	t.deepEqual(await spawnOn(open), Array(20).fill(0));
	t.deepEqual(asked, ['password', 'sudoPassword']);
});

const byPassword = guarded(({password}) => {
	if (password === undefined) return 'ERR_HOST_LOGIN';
	return password.reveal() === 'right' ? undefined : 'ERR_HOST_PASSWORD';
});

test('a slip of the finger is asked about again, once for all hosts', async t => {
	const attempts: number[] = [];
	const open = askWhenRefused(byPassword, async (_secret, _about, attempt) => {
		attempts.push(attempt);
		return new Secret(attempt === 2 ? 'right' : 'rihgt');
	});
	t.deepEqual(await spawnOn(open), Array(20).fill(0));
	t.deepEqual(attempts, [1, 2]);
});

test('after three wrong answers the refusal stands', async t => {
	let asked = 0;
	const open = askWhenRefused(byPassword, async () => new Secret(`wrong ${++asked}`));
	t.deepEqual(new Set(await spawnOn(open)), new Set(['ERR_HOST_PASSWORD']));
	t.is(asked, 3);
});

test('an answer that one host has taken is not asked about when another refuses it', async t => {
	let asked = 0;
	const open = askWhenRefused(
		target => {
			const isOdd = target.name === '10.0.0.7';
			return guarded(({password}) => {
				if (password === undefined) return 'ERR_HOST_LOGIN';
				return isOdd ? 'ERR_HOST_PASSWORD' : undefined;
			})(target);
		},
		async () => {
			asked++;
			return new Secret('right');
		},
	);
	const [first, ...others] = hosts.toSorted(({name}) => (name === '10.0.0.7' ? 1 : -1));
	t.deepEqual(await spawnOn(open, [first!]), [0]);
	t.is((await spawnOn(open, others)).filter(code => code === 'ERR_HOST_PASSWORD').length, 1);
	t.is(asked, 1);
});

test('a secret that was given beforehand and is wrong is not asked about', async t => {
	const given = hosts.map(host => ({...host, login: {password: new Secret('old')}}));
	const open = askWhenRefused(byPassword, async () => t.fail() as never);
	t.deepEqual(new Set(await spawnOn(open, given)), new Set(['ERR_HOST_PASSWORD']));
});

test('with nobody to ask, the refusal stands', async t => {
	const opened: string[] = [];
	const open = askWhenRefused(
		guarded(() => 'ERR_HOST_LOGIN', opened),
		async () => undefined,
	);
	t.deepEqual(new Set(await spawnOn(open)), new Set(['ERR_HOST_LOGIN']));
	t.is(opened.length, hosts.length, 'each was tried once');
});

test('a host that takes no passwords is no reason to ask for one', async t => {
	const open: OpenTransport = target => ({
		...createLocalTransport({host: target.name}),
		spawn: async () => {
			throw new HostError(target.name, 'ERR_HOST_LOGIN', 'Refused', {details: {accepted: ['publickey']}});
		},
	});
	t.deepEqual(new Set(await spawnOn(askWhenRefused(open, async () => t.fail() as never))), new Set(['ERR_HOST_LOGIN']));
});

test('other failures are not asked about', async t => {
	const open = askWhenRefused(
		guarded(() => 'ERR_SUDO_DENIED'),
		async () => t.fail() as never,
	);
	t.deepEqual(new Set(await spawnOn(open)), new Set(['ERR_SUDO_DENIED']));
});
