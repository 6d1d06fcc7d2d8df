import test from 'ava';
import fc from 'fast-check';
import type {KubeadmDocument} from '../../../lib/runtime/kubeadm/document.js';
import {mergeDocuments} from '../../../lib/runtime/kubeadm/merge.js';

test('maps are merged deep, lists replaced, and null takes a field away', t => {
	t.deepEqual(merge({a: {b: 1, c: [1, 2]}, d: 1, e: 1}, {a: {c: [3], f: 2}, d: null}), {a: {b: 1, c: [3], f: 2}, e: 1});
});

test('arguments are known by their names, and all of one name are replaced together', t => {
	const below = {extraArgs: [argument('a', 1), argument('b', 1)]};
	const above = {extraArgs: [argument('b', 2), argument('b', 3)]};
	t.deepEqual(merge(below, above), {extraArgs: [argument('a', 1), argument('b', 2), argument('b', 3)]});
});

test('names of certificates only grow', t => {
	t.deepEqual(merge({apiServer: {certSANs: ['a', 'b']}}, {apiServer: {certSANs: ['b', 'c']}}), {
		apiServer: {certSANs: ['a', 'b', 'c']},
	});
});

test('taints are replaced: an empty list means none', t => {
	t.deepEqual(merge({taints: [{key: 'a'}]}, {taints: []}), {taints: []});
});

test('a document laid over the result once more changes nothing', t => {
	const fields = fc.dictionary(
		fc.constantFrom('a', 'certSANs', 'extraArgs', 'extraVolumes', 'taints', 'b'),
		fc.oneof(
			fc.jsonValue({maxDepth: 2}),
			fc.array(fc.constantFrom('x', 'y', 'z')),
			fc.array(fc.record({name: fc.constantFrom('x', 'y'), value: fc.nat(3)})),
		),
	);
	fc.assert(
		fc.property(fields, fields, (below, above) => {
			const once = merge(below, above);
			t.deepEqual(merge(once, above), once);
			return true;
		}),
	);
});

function merge(...layers: readonly object[]): object {
	const documents = layers.map((fields): readonly KubeadmDocument[] => [{...fields, apiVersion: 'v1', kind: 'Test'}]);
	const [{apiVersion: _, kind: __, ...merged} = {}] = mergeDocuments(
		...documents,
	) as readonly Partial<KubeadmDocument>[];
	return merged;
}

function argument(name: string, value: number): object {
	return {name, value: String(value)};
}
