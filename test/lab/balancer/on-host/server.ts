import {readFileSync} from 'node:fs';
import {createServer as createHttps} from 'node:https';
import {createServer} from 'node:net';

/**
 * A server like an API server: /readyz over TLS, and on the same port a plain greeting with its name for whoever sends a byte, which it then echoes.
 * The mode file says how it is: `unready` answers 500, `slow` takes five seconds for everything.
 */
const [, , name, folder] = process.argv as [string, string, string, string];
const mode = (): string => {
	try {
		return readFileSync(`${folder}/mode`, 'utf8').trim();
	} catch {
		return 'ok';
	}
};
const whenDue = (answer: () => void): void => {
	if (mode() === 'slow') setTimeout(answer, 5000);
	else answer();
};

const https = createHttps(
	{key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`)},
	(_, response) => whenDue(() => response.writeHead(mode() === 'unready' ? 500 : 200).end('ok')),
);

createServer(socket => {
	socket.on('error', () => {});
	socket.once('data', first => {
		socket.pause();
		if (first[0] === 0x16) {
			socket.unshift(first);
			https.emit('connection', socket);
			return;
		}
		whenDue(() => {
			socket.write(`${name}\n`);
			socket.pipe(socket);
		});
	});
}).listen(6443, '::');
