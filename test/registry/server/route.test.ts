import test from 'ava';
import type {RefusalCode} from '../../../lib/registry/server/refusal.js';
import {Refusal} from '../../../lib/registry/server/refusal.js';
import {type Route, routeOf} from '../../../lib/registry/server/route.js';

const digest = `sha256:${'a'.repeat(64)}`;

const leads = test.macro({
	exec(t, path: string, route: Route) {
		t.deepEqual(routeOf(path), route);
	},
	title: (_, path) => `${path} is routed`,
});

test(leads, '/v2/', {kind: 'ping'});
test(leads, '/v2', {kind: 'ping'});
test(leads, '/v2/_catalog', {kind: 'catalog'});
test(leads, '/v2/a/tags/list', {kind: 'tags', name: 'a'});
test(leads, `/v2/a/b/c/blobs/${digest}`, {kind: 'blob', name: 'a/b/c', digest});
test(leads, '/v2/a/manifests/latest', {kind: 'manifest', name: 'a', reference: 'latest'});
test(leads, '/v2/a/blobs/uploads/', {kind: 'uploads', name: 'a'});
test(leads, '/v2/a/blobs/uploads', {kind: 'uploads', name: 'a'});
test(leads, '/v2/a/blobs/uploads/1-2', {kind: 'upload', name: 'a', id: '1-2'});
test(leads, `/v2/a/referrers/${digest}`, {kind: 'referrers', name: 'a', digest});
test(leads, '/v2/a/blobs/uploads/manifests/x', {kind: 'manifest', name: 'a/blobs/uploads', reference: 'x'});
test(leads, '/v2/a/manifests/tags/list', {kind: 'tags', name: 'a/manifests'});
test(leads, '/v2/tags/list/tags/list', {kind: 'tags', name: 'tags/list'});
test(leads, '/v2/blobs/uploads/blobs/uploads/', {kind: 'uploads', name: 'blobs/uploads'});
test(leads, `/v2/a__b/c---d.e_f/blobs/${digest}`, {kind: 'blob', name: 'a__b/c---d.e_f', digest});

const refuses = test.macro<[path: string, code: RefusalCode]>({
	exec(t, path, code) {
		t.is(t.throws(() => routeOf(path), {instanceOf: Refusal})?.errors[0]?.code, code);
	},
	title: (_, path, code) => `${JSON.stringify(path.slice(0, 60))} is refused with ${code}`,
});

for (const path of ['/', '/v1/', '/v2x', '/v2/a', '/v2//', '/v2/a/tags', '/v2/a/tags/list/', '/v2/tags/list']) {
	test(refuses, path, 'NOT_FOUND');
}
for (const path of ['/v2/manifests/x', '/v2/a/manifests/', '/v2/a/blobs/', '/v2/a/blobs/uploads/x/', '/v2/_catalog/']) {
	test(refuses, path, 'NOT_FOUND');
}
for (const name of ['A', 'a//b', '../b', 'a/../b', '-a', 'a-', 'a..b', 'a___b', 'ä', 'a b', 'a\0b', 'x'.repeat(256)]) {
	test(refuses, `/v2/${name}/tags/list`, 'NAME_INVALID');
}
