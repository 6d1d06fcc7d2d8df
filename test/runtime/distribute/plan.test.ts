import test from 'ava';
import type {Descriptor} from '../../../lib/oci/descriptor.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {distinctBlobs, type PlannedImage, planImage, servesRegistry} from '../../../lib/runtime/distribute/plan.js';

function blob(name: string, size = 10): Descriptor {
	return {mediaType: 'x/y', digest: digestOf(name), size};
}

const image: PlannedImage = {
	name: 'docker.io/library/demo:v1',
	manifest: blob('manifest'),
	config: blob('config'),
	layers: [
		{descriptor: blob('bin'), diffId: digestOf('bin plain'), isRegistry: false},
		{descriptor: blob('pause'), diffId: digestOf('pause'), isRegistry: true},
	],
};

const roles = test.macro({
	exec(t, given: readonly string[], expected: boolean) {
		t.is(servesRegistry(given), expected);
		const {unpack, blobs} = planImage(image, given);
		t.is(unpack.layers.length, expected ? 2 : 1);
		t.is(blobs.length, expected ? 4 : 3);
	},
	title: (_, given: readonly string[], expected) =>
		`a host with ${given.join(' and ') || 'no role'} ${expected ? 'gets' : 'does not get'} the registry`,
});
test(roles, [], true);
test(roles, ['master'], true);
test(roles, ['registry'], true);
test(roles, ['node', 'registry'], true);
test(roles, ['node'], false);
test(roles, ['gpu', 'node'], false);

test('blobs that images share are wanted once, as the layers that they are', t => {
	const other: PlannedImage = {...image, manifest: blob('other'), config: blob('bin')};
	const found = distinctBlobs([planImage(other, []), planImage(image, [])]);
	t.deepEqual(
		found.map(({descriptor}) => descriptor.digest).toSorted(),
		[...new Set(['manifest', 'other', 'config', 'bin', 'pause'].map(name => digestOf(name)))].toSorted(),
	);
	t.is(found.find(({descriptor}) => descriptor.digest === digestOf('bin'))?.diffId, digestOf('bin plain'));
});
