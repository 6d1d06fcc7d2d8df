import test from 'ava';
import {type KubectlOptions, kubectlJson, kubectlOn, kubectlWords} from '../../../lib/runtime/control/kubectl.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';

test('the API server of the very master is asked when it is known, else the one of the kubeconfig', t => {
	const {transport} = createFakeHost({name: 'm1'});
	const admin = ['kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf'];
	t.deepEqual(kubectlWords({transport}, ['get', 'nodes']), [...admin, 'get', 'nodes']);
	t.deepEqual(kubectlWords({transport, apiUrl: 'https://[fd00::1]:6443'}, ['get', 'nodes']), [
		...admin,
		'--server',
		'https://[fd00::1]:6443',
		'get',
		'nodes',
	]);
});

const limits = test.macro(async (t, options: KubectlOptions, limit: string) => {
	const host = createFakeHost({name: 'm1'}).on('kubectl', 'done\n');
	t.is(await kubectlOn(host)(['get', 'nodes'], options), 'done\n');
	t.deepEqual(host.calls[0]?.argv.slice(3), [limit, 'get', 'nodes']);
});

test('one request takes at most half of a minute', limits, {}, '--request-timeout=30s');
test('one request takes at most half of the whole time', limits, {timeoutMs: 10_000}, '--request-timeout=5s');
test('a limit of nothing, which is none for kubectl, is never said', limits, {timeoutMs: 400}, '--request-timeout=1s');

test('an object is asked for as JSON, with what is secret on its input', async t => {
	const host = createFakeHost({name: 'm1'}).on('kubectl', async call => {
		t.is((await call.readInput()).toString(), 'hidden');
		return '{"items": []}';
	});
	t.deepEqual(await kubectlJson(kubectlOn(host), ['get', '-f', '-'], {input: 'hidden'}), {items: []});
	t.deepEqual(host.calls[0]?.argv.slice(-5), ['get', '-f', '-', '-o', 'json']);
});

for (const [title, answer] of [
	['nothing', ''],
	['words', 'No resources found'],
	['a list without an object around it', '[]'],
] as const) {
	test(`an answer that is ${title} is no object`, async t => {
		const host = createFakeHost({name: 'm1'}).on('kubectl', answer);
		await t.throwsAsync(kubectlJson(kubectlOn(host), ['get', 'nodes']), {
			code: 'ERR_CLUSTER_API',
			message: 'The answer to "kubectl get nodes" is no JSON object',
		});
	});
}

test('what kubectl says when it fails is the error', async t => {
	const host = createFakeHost({name: 'm1'}).on('kubectl', {code: 1, stderr: 'error: forbidden'});
	await t.throwsAsync(kubectlJson(kubectlOn(host), ['get', 'nodes']), {
		code: 'ERR_COMMAND_FAILED',
		message: /forbidden/,
	});
});
