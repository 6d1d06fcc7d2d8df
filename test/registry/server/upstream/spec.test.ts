import test from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../../../lib/core/errors.js';
import {
	folderOf,
	namespaceOfFolder,
	parseUpstream,
	upstreamPlace,
} from '../../../../lib/registry/server/upstream/spec.js';

const read = test.macro({
	exec(t, text: string, namespace: string, host: string, prefix: string, isPlain: boolean) {
		const spec = parseUpstream(text);
		t.is(spec.namespace, namespace);
		t.deepEqual(upstreamPlace(spec), {host, prefix, isPlain});
	},
	title: (_, text: string) => `the upstream ${text} is read`,
});

test(read, 'docker.io=https://registry-1.docker.io', 'docker.io', 'docker.io', '', false);
test(read, 'docker.io', 'docker.io', 'docker.io', '', false);
test(read, 'index.docker.io=https://mirror.example/', 'docker.io', 'mirror.example', '', false);
test(read, 'quay.io=http://10.0.0.1:5000', 'quay.io', '10.0.0.1:5000', '', true);
test(read, 'docker.io=https://harbor.example/dockerhub', 'docker.io', 'harbor.example', 'dockerhub/', false);
test(read, 'docker.io=https://mirror.example/v2/', 'docker.io', 'mirror.example', '', false);
test(read, 'localhost:5000=http://localhost:5001', 'localhost:5000', 'localhost:5001', '', true);
test(read, '*=https://mirror.example', '*', 'mirror.example', '', false);

const refused = test.macro({
	exec(t, text: string, message: RegExp) {
		const error = t.throws(() => parseUpstream(text), {code: 'ERR_UPSTREAM_INVALID', message});
		t.false(error?.message.includes('hunter2'));
	},
	title: (_, text: string) => `the upstream ${JSON.stringify(text)} is refused`,
});

test(refused, '', /no registry/);
test(refused, '*', /needs an address/);
test(refused, 'docker.io=', /no http or https address/);
test(refused, 'docker.io=ftp://x', /no http or https address/);
test(refused, 'docker.io=https://me:hunter2@x', /holds credentials/);
test(refused, 'docker.io=https://x?y', /has a query/);
test(refused, 'docker.io=https://x/UPPER', /has a path that names no project/);
test(refused, 'library/redis=https://x', /no registry/);
test(refused, 'a b=https://x', /no registry/);

test('a registry and the folder of its repositories belong together', t => {
	for (const [namespace, folder] of [
		['docker.io', 'docker.io'],
		['localhost:5000', 'localhost_5000'],
		['registry.example.com:443', 'registry.example.com_443'],
		['localhost', 'localhost'],
	] as const) {
		t.is(folderOf(namespace), folder);
		t.is(namespaceOfFolder(folder), namespace);
	}
	for (const folder of ['library', 'shop', 'a_b', 'a__b']) t.is(namespaceOfFolder(folder), undefined);
});

test('any text is an upstream or is refused with a code', t => {
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.webUrl(),
				fc.domain().map(name => `${name}=https://x`),
			),
			text => {
				try {
					parseUpstream(text);
					return true;
				} catch (error) {
					return isSealError(error) && error.code === 'ERR_UPSTREAM_INVALID';
				}
			},
		),
	);
	t.pass();
});
