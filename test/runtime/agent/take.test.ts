import {mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import {delimiter, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {digestOf} from '../../../lib/oci/digest.js';
import type {AgentFile} from '../../../lib/runtime/agent/bundle/bundle.js';
import {takeFile} from '../../../lib/runtime/agent/install/take.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {programTransport} from '../../helpers/program-transport.js';
import {installed} from '../../helpers/programs.js';
import {tempDir} from '../../helpers/temp-dir.js';

const bytes = Buffer.from(Array.from({length: 300_000}, (_, i) => (i * 7) % 256));
const file: AgentFile = {
	name: 'node',
	mode: 0o755,
	sizeBytes: bytes.length,
	digest: digestOf(bytes),
	content: {kind: 'bytes', bytes},
};

for (const tool of ['curl', 'wget', 'bash']) {
	test(`${tool} takes a file from another host, byte for byte`, async t => {
		if (!installed(tool)) {
			t.log(`skipped: ${tool}`);
			t.pass();
			return;
		}
		const {port, asked} = await serve(t, (_, response) => response.end(bytes));
		const path = join(tempDir(t), 'versions/.x/node');
		const from = {addresses: [dead, {address: '127.0.0.1', port}], path: '/secret'};
		t.true(await takeFile(withTools(t, [tool]), file, path, from, {}));
		t.true(readFileSync(path).equals(bytes));
		t.deepEqual(asked, ['GET /secret']);
		t.deepEqual(readdirSync(join(path, '..')), ['node']);
	});

	const fails = async (t: ExecutionContext, listener: RequestListener): Promise<void> => {
		if (!installed(tool)) {
			t.log(`skipped: ${tool}`);
			t.pass();
			return;
		}
		const {port} = await serve(t, listener);
		const folder = tempDir(t);
		const from = {addresses: [{address: '127.0.0.1', port}], path: '/secret'};
		t.false(await takeFile(withTools(t, [tool]), file, join(folder, 'node'), from, {}));
		t.deepEqual(readdirSync(folder), []);
	};
	test(`${tool} keeps nothing of other bytes`, fails, (_, response) => response.end(Buffer.alloc(bytes.length)));
	test(`${tool} keeps nothing of a file that ends early`, fails, (_, response) => response.end(bytes.subarray(1000)));
	test(`${tool} keeps nothing of an error`, fails, (_, response) => response.writeHead(404).end(bytes));
	test(`${tool} reads no more than the file is long`, fails, (request, response) => {
		const timer = setInterval(() => response.write(bytes), 1);
		request.socket.on('close', () => clearInterval(timer));
	});
}

test('a host without any of the tools says no', async t => {
	const folder = tempDir(t);
	t.false(await takeFile(withTools(t, []), file, join(folder, 'node'), {addresses: [dead], path: '/x'}, {}));
	t.deepEqual(readdirSync(folder), []);
});

/** Nothing listens there. */
const dead = {address: '127.0.0.1', port: 1};

async function serve(
	t: ExecutionContext,
	listener: RequestListener,
): Promise<{readonly port: number; readonly asked: string[]}> {
	const asked: string[] = [];
	const server = createServer((request, response) => {
		asked.push(`${request.method} ${request.url}`);
		response.on('error', () => {});
		listener(request, response);
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return {port: (server.address() as AddressInfo).port, asked};
}

/** A host whose shell finds these programs and those that every host has. */
function withTools(t: ExecutionContext, tools: readonly string[]): Transport {
	const bin = join(tempDir(t), 'bin');
	mkdirSync(bin);
	for (const name of [...tools, 'cat', 'head', 'mkdir', 'mv', 'rm', 'sha256sum', 'wc']) {
		const found = (process.env.PATH ?? '')
			.split(delimiter)
			.map(folder => join(folder, name))
			.find(path => readdirSafe(join(path, '..')).includes(name));
		if (found !== undefined) symlinkSync(found, join(bin, name));
	}
	writeFileSync(join(bin, 'run'), `#!/bin/sh\nPATH=${bin}\nexport PATH\nexec "$@"\n`, {mode: 0o755});
	return programTransport([join(bin, 'run')], 'bare', {withArguments: true});
}

function readdirSafe(folder: string): readonly string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}
