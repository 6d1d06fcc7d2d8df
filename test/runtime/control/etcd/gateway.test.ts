import {createServer} from 'node:https';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {etcd} from '../../../../lib/runtime/agent/verbs/etcd.js';
import {pair} from '../../../../lib/runtime/pki/cluster/places.js';
import {planAll, textOf, threeMasters, written} from '../../../helpers/cluster-pki.js';
import {listen} from '../../../helpers/registry.js';
import {tempDir, writeFiles} from '../../../helpers/temp-dir.js';

// An etcd that is only played, behind TLS that is not: it takes clients of its own authority alone.

interface Member {
	readonly ID: string;
	readonly name?: string;
	readonly peerURLs: readonly string[];
	clientURLs?: readonly string[];
	isLearner?: boolean;
}

interface PlayedEtcd {
	readonly endpoint: string;
	/** With the certificates of a master. */
	readonly folder: string;
	members: Member[];
	isHealthy: boolean;
	/** What it answers instead. */
	strange?: {readonly status: number; readonly body: string} | undefined;
	readonly asked: string[];
}

async function playEtcd(t: ExecutionContext): Promise<PlayedEtcd> {
	const files = written(
		await planAll({...threeMasters, masters: threeMasters.masters.slice(0, 1)}, new Map(), {now: new Date()}),
	).get('m1');
	const read = ({certificate, key}: {certificate: string; key: string}): [string, string] => [
		textOf(files, certificate),
		textOf(files, key),
	];
	const [ca] = read(pair('etcd/ca'));
	const [cert, key] = read(pair('etcd/server'));
	const [clientCert, clientKey] = read(pair('etcd/healthcheck-client'));
	const folder = tempDir(t);
	writeFiles(folder, {'ca.crt': ca, 'healthcheck-client.crt': clientCert, 'healthcheck-client.key': clientKey});
	const played = {members: [] as Member[], isHealthy: true, asked: [] as string[], folder} as PlayedEtcd;
	const server = createServer({cert, key, ca, requestCert: true, rejectUnauthorized: true}, (request, response) => {
		let body = '';
		request.on('data', chunk => {
			body += String(chunk);
		});
		request.on('end', () => {
			played.asked.push(`${request.method} ${request.url} ${body}`.trim());
			const {status, body: text} = played.strange ?? answer(played, request.url ?? '', body);
			response.writeHead(status, {'content-type': 'application/json'}).end(text);
		});
	});
	const address = await listen(t, server as never);
	return Object.assign(played, {endpoint: `https://${address}`});
}

function answer(played: PlayedEtcd, path: string, body: string): {status: number; body: string} {
	const ok = (value: object): {status: number; body: string} => ({status: 200, body: JSON.stringify(value)});
	const {ID} = (body === '' ? {} : JSON.parse(body)) as {ID?: string};
	switch (path) {
		case '/health':
			return played.isHealthy ? ok({health: 'true'}) : {status: 503, body: '{"health":"false","reason":"QGET FAILED"}'};
		case '/v3/cluster/member/list':
			return ok({header: {}, members: played.members});
		case '/v3/cluster/member/remove':
			played.members = played.members.filter(member => member.ID !== ID);
			return ok({header: {}, members: played.members});
		case '/v3/cluster/member/promote':
			for (const member of played.members) if (member.ID === ID) member.isLearner = false;
			return ok({header: {}});
		case '/v3/maintenance/status':
			return ok({version: '3.5.16', isLearner: true});
		default:
			return {status: 404, body: '{}'};
	}
}

async function ask({endpoint, folder}: PlayedEtcd, params: object): Promise<unknown> {
	const context = {signal: new AbortController().signal} as Parameters<typeof etcd.run>[1];
	return await etcd.run(etcd.parse({endpoint, folder, ...params}), context);
}

const peer = (n: number): string => `https://10.0.0.${n}:2380`;

test('members are listed, and each is asked how it is', async t => {
	const played = await playEtcd(t);
	const {endpoint} = played;
	played.members = [
		{ID: '11', name: 'm1', peerURLs: [peer(1)], clientURLs: [endpoint]},
		{ID: '12', name: 'm2', peerURLs: [peer(2)], clientURLs: [endpoint], isLearner: true},
		{ID: '13', peerURLs: [peer(3)]},
		{ID: '14', name: 'm4', peerURLs: [peer(4)], clientURLs: ['https://127.0.0.1:1']},
	];
	const {members} = (await ask(played, {do: 'status'})) as {members: {id: string; isHealthy: boolean; why?: string}[]};
	t.deepEqual(
		members.map(({id, isHealthy}) => [id, isHealthy]),
		[
			['b', true],
			['c', true],
			['d', false],
			['e', false],
		],
	);
	t.is(members[2]?.why, 'it has never started');
	t.truthy(members[3]?.why);
	t.true(played.asked.includes('POST /v3/maintenance/status {}'), 'a learner is asked for itself alone');
	played.isHealthy = false;
	t.like(await ask(played, {do: 'status'}), {members: [{isHealthy: false, why: 'QGET FAILED'}]});
	t.like(await ask(played, {do: 'list'}), {members: [{isHealthy: true}]});
});

test('a member goes when the others are a majority, and a second time it is none', async t => {
	const played = await playEtcd(t);
	played.members = [1, 2, 3].map(n => ({
		ID: `${n}`,
		name: `m${n}`,
		peerURLs: [peer(n)],
		clientURLs: [played.endpoint],
	}));
	t.deepEqual(await ask(played, {do: 'remove', peerUrl: peer(2)}), {isChanged: true});
	t.true(played.asked.includes('POST /v3/cluster/member/remove {"ID":"2"}'));
	t.deepEqual(await ask(played, {do: 'remove', peerUrl: peer(2)}), {isChanged: false});
});

test('a member stays when the others would be none, and etcd is not asked', async t => {
	const played = await playEtcd(t);
	const dead = ['https://127.0.0.1:1'];
	played.members = [1, 2, 3].map(n => ({
		ID: `${n}`,
		name: `m${n}`,
		peerURLs: [peer(n)],
		clientURLs: n === 3 ? dead : [played.endpoint],
	}));
	const error = await t.throwsAsync(ask(played, {do: 'remove', peerUrl: peer(1)}), {code: 'ERR_ETCD_QUORUM'});
	t.regex(error?.message ?? '', /1 of the 2 members that stay are healthy/);
	t.false(played.asked.some(line => line.includes('member/remove')));
});

test('a learner gets its voice once', async t => {
	const played = await playEtcd(t);
	played.members = [{ID: '7', name: 'm1', peerURLs: [peer(1)], clientURLs: [played.endpoint], isLearner: true}];
	t.deepEqual(await ask(played, {do: 'promote', peerUrl: peer(1)}), {isChanged: true});
	t.deepEqual(await ask(played, {do: 'promote', peerUrl: peer(1)}), {isChanged: false});
});

const strange = test.macro(async (t, status: number, body: string, expected: RegExp) => {
	const played = await playEtcd(t);
	played.strange = {status, body};
	const error = await t.throwsAsync(ask(played, {do: 'list'}), {code: 'ERR_ETCD'});
	t.regex(error?.message ?? '', expected);
});

test(
	"a refusal of etcd is told in etcd's words",
	strange,
	503,
	'{"message":"etcdserver: unhealthy cluster","code":14}',
	/unhealthy cluster/,
);
test('an answer that is no JSON is refused', strange, 200, '<html>', /no JSON object/);
test('an endless answer is refused', strange, 200, `{"a":"${'x'.repeat(2 * 1024 * 1024)}"}`, /longer than/);
test('a status without words is told', strange, 500, '{}', /status 500/);

test('nobody listens: that is said, and where to look', async t => {
	const played = await playEtcd(t);
	const error = await t.throwsAsync(ask({...played, endpoint: 'https://127.0.0.1:1'}, {do: 'list'}), {
		code: 'ERR_ETCD',
	});
	t.regex(error?.message ?? '', /does not answer/);
});

test('a server of another authority is not spoken to', async t => {
	const [played, other] = [await playEtcd(t), await playEtcd(t)];
	await t.throwsAsync(ask({...played, folder: other.folder}, {do: 'list'}), {code: 'ERR_ETCD'});
	t.deepEqual(played.asked, []);
	await t.throwsAsync(ask({...played, folder: join(played.folder, 'none')}, {do: 'list'}), {code: 'ERR_IO'});
});

const refuses = test.macro((t, params: object) => {
	t.throws(() => etcd.parse({do: 'list', endpoint: 'https://127.0.0.1:2379', folder: '/f', ...params}), {
		code: 'ERR_USAGE',
	});
});

test('an unknown order is refused', refuses, {do: 'destroy'});
test('an endpoint elsewhere is refused', refuses, {endpoint: 'https://10.0.0.1:2379'});
test('a removal without a member is refused', refuses, {do: 'remove'});
