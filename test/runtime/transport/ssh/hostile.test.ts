import {type AddressInfo, createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import {exec} from '../../../../lib/runtime/transport/exec.js';
import {loopback, sshHome} from '../../../helpers/ssh-hosts.js';
import {startSshServer} from '../../../helpers/ssh-server.js';

interface HostileCase {
	readonly talk: (socket: Socket) => void;
	readonly code: string;
	readonly message?: RegExp;
}

/** A listener that does whatever it likes; the time-out is far away unless it is what ends it. */
const gives = test.macro(async (t: ExecutionContext, {talk, code, message}: HostileCase) => {
	const sockets = new Set<Socket>();
	const server = createServer(socket => {
		sockets.add(socket);
		socket.on('error', () => undefined);
		talk(socket);
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const hosts = sshHome(t, {connectTimeoutMs: code === 'ERR_HOST_TIMEOUT' ? 1500 : 60_000});
	const {port} = server.address() as AddressInfo;
	const login = {password: new Secret('secret')};
	await t.throwsAsync(exec(hosts.open(loopback({port}, login)), ['true']), {
		code,
		...(message === undefined ? {} : {message}),
	});
});

function pour(socket: Socket, chunk: Buffer): void {
	const more = (): void => {
		while (!socket.destroyed && socket.write(chunk));
	};
	socket.on('drain', more);
	more();
}

test('a listener that says nothing is given up in time', gives, {
	talk: () => undefined,
	code: 'ERR_HOST_TIMEOUT',
	message: /^The login at port \d+ of 127.0.0.1 takes too long$/,
});
test('a listener that speaks another protocol is told', gives, {
	talk: socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
	code: 'ERR_HOST_TIMEOUT',
});
test('a banner without end is cut', gives, {
	talk: socket => pour(socket, Buffer.from('welcome, welcome, welcome\r\n'.repeat(50))),
	code: 'ERR_HOST_PROTOCOL',
});
test('a line without end is cut', gives, {
	talk: socket => pour(socket, Buffer.alloc(65_536, 'a')),
	code: 'ERR_HOST_PROTOCOL',
});
test('a garbled key exchange is told', gives, {
	talk: socket => socket.write(Buffer.concat([Buffer.from('SSH-2.0-evil\r\n'), Buffer.alloc(4096, 0xff)])),
	code: 'ERR_HOST_PROTOCOL',
});
test('control characters of a host do not reach the report', async t => {
	const server = await startSshServer(t, {
		onConnection: connection => {
			connection.removeAllListeners('authentication');
			connection.on('authentication', context => context.reject(['\u001b[2Jpassword' as never]));
		},
	});
	const error = await t.throwsAsync(exec(sshHome(t).open(loopback(server)), ['true']), {code: 'ERR_HOST_LOGIN'});
	t.regex(error.message, /it accepts \[2Jpassword$/);
});

test('a host that lets in, answers every question and never starts the command is given up', async t => {
	const server = await startSshServer(t, {
		onConnection: connection => {
			connection.on('ready', () => {
				connection.removeAllListeners('session');
				// Nobody accepts or rejects it.
				connection.on('session', () => undefined);
			});
		},
	});
	const hosts = sshHome(t, {silenceTimeoutMs: 1500});
	await t.throwsAsync(exec(hosts.open(loopback(server)), ['true']), {
		code: 'ERR_HOST_LOST',
		message: 'The host fell silent',
	});
});

test('a closed port is told', async t => {
	const server = await startSshServer(t);
	await server.close();
	await t.throwsAsync(exec(sshHome(t).open(loopback(server)), ['true']), {
		code: 'ERR_HOST_UNREACHABLE',
		message: `Port ${server.port} of 127.0.0.1 is closed`,
	});
});

test('a name without an address is told', async t => {
	const transport = sshHome(t).open({name: 'one', address: 'nowhere.invalid', roles: [], login: {agent: false}});
	await t.throwsAsync(exec(transport, ['true']), {code: 'ERR_HOST_NAME'});
});

test('a host that falls silent is given up', async t => {
	const server = await startSshServer(t, {
		onExec: (_line, _channel, connection) => {
			// As after a power cut: the socket stays open and nothing is read or said any more.
			(connection as unknown as {readonly _sock: Socket})._sock.pause();
		},
	});
	const transport = sshHome(t, {silenceTimeoutMs: 1000}).open(loopback(server));
	await t.throwsAsync(exec(transport, ['true']), {code: 'ERR_HOST_LOST', message: 'The host fell silent'});
});

test('a host that sends more than it has a window for is cut off', async t => {
	const server = await startSshServer(t, {
		onExec: (_line, channel) => {
			// Pretends that the window never ends.
			const outgoing = channel.outgoing as {window: number};
			const chunk = Buffer.alloc(30_001);
			const timer = setInterval(() => {
				outgoing.window = 2 ** 31;
				for (let count = 0; count < 64; count++) channel.write(chunk);
			}, 1);
			channel.on('close', () => clearInterval(timer));
			t.teardown(() => clearInterval(timer));
		},
	});
	const transport = sshHome(t).open(loopback(server));
	await t.throwsAsync(transport.spawn(['true']), {
		code: 'ERR_HOST_LOST',
		message: /more data than it was given a window for$/,
	});
});

test('an expired password is told', async t => {
	const server = await startSshServer(t, {
		onConnection: connection => {
			connection.removeAllListeners('authentication');
			connection.on('authentication', context => {
				if (context.method === 'password') context.requestChange('Change it now', () => undefined);
				else context.reject(['password']);
			});
		},
	});
	const transport = sshHome(t).open(loopback(server, {password: new Secret('secret')}));
	await t.throwsAsync(exec(transport, ['true']), {code: 'ERR_HOST_PASSWORD_EXPIRED'});
});

test('a host that knows old algorithms alone is told', async t => {
	const server = await startSshServer(t, {algorithms: {cipher: ['aes128-cbc']}});
	await t.throwsAsync(exec(sshHome(t).open(loopback(server)), ['true']), {
		code: 'ERR_HOST_PROTOCOL',
		message: /^The SSH server has no algorithm in common with us: .*cipher/,
	});
});

test('compression is not offered: a host could send bombs', async t => {
	const server = await startSshServer(t, {algorithms: {compress: ['zlib@openssh.com']}});
	await t.throwsAsync(exec(sshHome(t).open(loopback(server)), ['true']), {
		code: 'ERR_HOST_PROTOCOL',
		message: /compress/,
	});
});
