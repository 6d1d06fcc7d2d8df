import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {readConfig} from '../../lib/lb/config.js';
import {apiAccess} from '../../lib/lb/kubeconfig.js';
import {tempDir} from '../helpers/temp-dir.js';
import {tlsFixture, tlsFixturePath} from '../helpers/tls-server.js';

function file(t: ExecutionContext, text: string): string {
	const path = join(tempDir(t), 'lb.json');
	writeFileSync(path, text);
	return path;
}

test('a file with members is enough', async t => {
	const {spec, authority, kubeconfig, statusPort} = await readConfig(file(t, '{"members": ["10.0.0.1"]}'));
	t.deepEqual(spec.members, [{address: '10.0.0.1', port: 6443}]);
	t.deepEqual([authority, kubeconfig, statusPort], [undefined, undefined, 9754]);
});

test('the authority is read with the file', async t => {
	const probe = {caFile: tlsFixturePath('ca.crt')};
	const config = await readConfig(file(t, JSON.stringify({members: ['10.0.0.1'], probe, statusPort: 0})));
	t.is(config.authority, tlsFixture('ca.crt'));
	t.is(config.statusPort, 0);
});

const refused = test.macro<[string, string, RegExp, string?]>({
	async exec(t, _, text, message, code = 'ERR_LB_CONFIG') {
		await t.throwsAsync(readConfig(file(t, text)), {code, message});
	},
	title: (_, what) => `refused: ${what}`,
});
const members = '"members": ["10.0.0.1"]';
test(refused, 'no JSON', '{"members": [', /lb\.json cannot be used: it is no JSON/);
test(refused, 'a list', '[]', /it holds no object/);
test(refused, 'a port that is none', `{${members}, "statusPort": 70000}`, /statusPort is 70000/);
test(
	refused,
	'an authority that does not exist',
	`{${members}, "probe": {"caFile": "/nowhere/ca.crt"}}`,
	/its caFile \/nowhere\/ca\.crt does not exist/,
);
test(refused, 'a key that nobody knows', `{${members}, "adress": "10.0.0.9"}`, /"adress" is not known/, 'ERR_LB_SPEC');

test('an authority without a certificate is refused', async t => {
	const path = file(t, JSON.stringify({members: ['10.0.0.1'], probe: {caFile: tlsFixturePath('server.key')}}));
	await t.throwsAsync(readConfig(path), {code: 'ERR_LB_CONFIG', message: /holds no certificate/});
});

test('a file that is not there says what to write', async t => {
	t.like(await t.throwsAsync(readConfig('/nowhere/lb.json')), {
		code: 'ERR_LB_CONFIG',
		message: 'There is no file /nowhere/lb.json',
	});
});

test('a kubeconfig gives the server, and certificates inline or in files', async t => {
	const folder = tempDir(t);
	writeFileSync(join(folder, 'token'), 'secret\n');
	const kubeconfig = (cluster: string, user: string): string => {
		const path = join(folder, 'kubeconfig');
		writeFileSync(
			path,
			`apiVersion: v1
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
`,
		);
		return path;
	};
	const ca = Buffer.from(tlsFixture('ca.crt')).toString('base64');
	const access = await apiAccess(
		kubeconfig(`{server: "https://10.0.0.1:6443", certificate-authority-data: ${ca}}`, '{tokenFile: token}'),
	);
	t.is(access.server, 'https://10.0.0.1:6443');
	t.is(access.token, 'secret');
	t.is(access.agent.options.ca, tlsFixture('ca.crt'));
	await t.throwsAsync(apiAccess(kubeconfig('{server: "http://10.0.0.1"}', '{}')), {
		code: 'ERR_LB_CONFIG',
		message: /over https/,
	});
	await t.throwsAsync(apiAccess(kubeconfig('{server: "https://10.0.0.1"}', '{}')), {
		code: 'ERR_LB_CONFIG',
		message: /no authority/,
	});
});
