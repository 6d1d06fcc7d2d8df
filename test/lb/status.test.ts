import {createServer} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {askStatus} from '../../lib/lb/status-server.js';

/** Something on loopback that answers with this. */
async function answering(t: ExecutionContext, body: string): Promise<number> {
	const server = createServer((_, response) => response.end(body));
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => server.close());
	return (server.address() as {port: number}).port;
}

const member = {
	member: '10.0.0.1:6443',
	phase: 'healthy',
	activeConnections: 1,
	inactiveConnections: 0,
	connections: 2,
	bytesIn: 0,
	bytesOut: 0,
};
const report = {service: '10.103.97.2:6443', form: 'ipvs', scheduler: 'rr', inKernel: true, members: [member]};

test('the status of a balancer that runs is what it says', async t => {
	t.is(JSON.stringify(await askStatus(await answering(t, JSON.stringify(report)))), JSON.stringify(report));
});

test('a stranger on the port is nobody', async t => {
	const lies = [
		'hello',
		'null',
		'[]',
		'{}',
		{...report, service: 7},
		{...report, members: [null]},
		{...report, members: [{...member, connections: 'many'}]},
	];
	for (const lie of lies) {
		const port = await answering(t, typeof lie === 'string' ? lie : JSON.stringify(lie));
		t.is(await askStatus(port), undefined);
	}
});
