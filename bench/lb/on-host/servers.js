// Servers like API servers, on so many ports: /readyz over TLS, and on the same port a plain greeting with the host's name, after which they echo.
import {readFileSync} from 'node:fs';
import {createServer as createHttps} from 'node:https';
import {createServer} from 'node:net';
import {hostname} from 'node:os';
import {join} from 'node:path';

const [, , folder, port = '6443', count = '1'] = process.argv;
const file = name => readFileSync(join(folder, name));
const https = createHttps({key: file('key.pem'), cert: file('cert.pem'), keepAliveTimeout: 120_000}, (_, response) => {
	response.writeHead(isShuttingDown() ? 500 : 200).end('ok');
});
for (let i = 0; i < Number(count); i++) createServer(greet).listen(Number(port) + i, '0.0.0.0');

function greet(socket) {
	socket.on('error', () => {});
	socket.once('data', first => {
		socket.pause();
		socket.unshift(first);
		// A TLS record of a handshake.
		if (first[0] === 0x16) https.emit('connection', socket);
		else {
			socket.write(`${hostname()}\n`);
			socket.pipe(socket);
		}
	});
}

function isShuttingDown() {
	try {
		return file('mode').toString().startsWith('unready');
	} catch {
		return false;
	}
}
