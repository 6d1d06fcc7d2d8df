import test from 'ava';
import {hasCode} from '../../../../lib/core/errors.js';
import {exec} from '../../../../lib/runtime/transport/exec.js';
import {createLocalTransport} from '../../../../lib/runtime/transport/local/local.js';
import {startInTerminal} from '../../../../lib/runtime/transport/local/terminal.js';
import {terminalTest} from '../../../helpers/pty-cli.js';

test('output that is read late is all there', async t => {
	const running = await createLocalTransport().spawn(['sh', '-c', 'echo early; echo problem >&2']);
	t.deepEqual(await Promise.race([running.exit, new Promise(resolve => setTimeout(resolve, 300, 'open'))]), {code: 0});
	t.is(await text(running.stdout), 'early\n');
	t.is(await text(running.stderr), 'problem\n');
});

test('closing ends what still runs', async t => {
	const transport = createLocalTransport();
	const running = await transport.spawn(['sleep', '300']);
	await transport.close();
	await t.throwsAsync(running.exit);
	await t.throwsAsync(exec(transport, ['true']));
	await transport.close();
});

test('a shell that is not there is told', async t => {
	const error = await t.throwsAsync(exec(createLocalTransport({shell: '/no/such/shell'}), ['true']));
	t.true(hasCode(error, 'ERR_HOST_SHELL'));
});

terminalTest('a command may have a terminal of the wanted size, and the new one when it changes', async t => {
	const running = await createLocalTransport().spawn(
		['sh', '-c', 'stty size; trap "stty size; exit 6" WINCH; echo "$TERM $SECRET"; while :; do sleep 0.05; done'],
		{terminal: {type: 'vt220', columns: 91, rows: 33}, env: {SECRET: 'not-echoed'}},
	);
	let seen = '';
	running.stdout.on('data', (chunk: Buffer) => {
		if (!seen.includes('vt220') && (seen + chunk.toString()).includes('vt220')) running.resize(120, 40);
		seen += chunk.toString();
	});
	t.deepEqual(await running.exit, {code: 6});
	t.is(seen, '33 91\r\nvt220 not-echoed\r\n40 120\r\n');
});

test('a machine without the package for terminals says so', async t => {
	const absent = (): Promise<never> => Promise.reject(new Error('Cannot find package'));
	const start = startInTerminal('/bin/sh', 'true', {type: 'vt220', columns: 80, rows: 24}, absent);
	t.true(hasCode(await t.throwsAsync(start), 'ERR_TERMINAL'));
});

async function text(stream: AsyncIterable<Buffer> | NodeJS.ReadableStream): Promise<string> {
	let all = '';
	for await (const chunk of stream as AsyncIterable<Buffer>) all += chunk.toString();
	return all;
}
