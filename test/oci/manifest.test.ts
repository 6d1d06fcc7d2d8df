import test from 'ava';
import {digestOf} from '../../lib/oci/digest.js';
import {
	childrenOf,
	emptyDescriptor,
	emptyJson,
	formatManifest,
	isIndex,
	parseManifest,
} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';

const blob = {mediaType: mediaTypes.layer, digest: `sha256:${'a'.repeat(64)}`, size: 1} as const;
const good = {schemaVersion: 2, mediaType: mediaTypes.manifest, config: blob, layers: [blob]};
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

test('reads a manifest and keeps what it does not know', t => {
	const manifest = parseManifest(bytes({...good, future: {x: 1}}), mediaTypes.manifest, 'm');
	t.false(isIndex(manifest));
	t.is(childrenOf(manifest).length, 2);
	t.deepEqual(JSON.parse(formatManifest(manifest).toString()), {...good, future: {x: 1}});
});

test('a document without mediaType takes the type under which it was found', t => {
	const {mediaType: _, ...silent} = good;
	t.is(parseManifest(bytes(silent), mediaTypes.dockerManifest, 'm').mediaType, mediaTypes.dockerManifest);
	const index = parseManifest(bytes({schemaVersion: 2, manifests: []}), mediaTypes.index, 'i');
	t.true(isIndex(index));
	t.deepEqual(childrenOf(index), []);
});

const refuses = test.macro({
	exec(t, value: unknown, mediaType: string, message: RegExp) {
		t.throws(() => parseManifest(bytes(value), mediaType, 'm'), {code: 'ERR_MANIFEST_INVALID', message});
	},
	title: (_, value, mediaType) => `refuses ${JSON.stringify(value)} as ${String(mediaType)}`,
});

test(refuses, '', mediaTypes.manifest, /is not JSON/);
test(refuses, '[]', mediaTypes.manifest, /is no JSON object/);
test(refuses, 'null', mediaTypes.manifest, /is no JSON object/);
test(refuses, {...good, schemaVersion: 1}, mediaTypes.manifest, /schemaVersion 1, expected 2/);
test(refuses, {...good, mediaType: mediaTypes.index}, mediaTypes.manifest, /says it is .* but was found as/);
test(refuses, {...good, manifests: []}, mediaTypes.manifest, /is manifest and index at once/);
test(refuses, {...good, layers: null}, mediaTypes.manifest, /has no list of layers/);
test(refuses, {...good, config: null}, mediaTypes.manifest, /config is no object/);
test(
	refuses,
	{...good, layers: [{...blob, size: -1}]},
	mediaTypes.manifest,
	/layers\[0\] has an impossible size \(-1\)/,
);
test(refuses, {...good, layers: [{...blob, size: 1.5}]}, mediaTypes.manifest, /impossible size/);
test(refuses, {...good, layers: [{...blob, size: 2 ** 60}]}, mediaTypes.manifest, /impossible size/);
test(refuses, {...good, layers: [{...blob, digest: 'sha256:../x'}]}, mediaTypes.manifest, /no usable digest/);
test(refuses, {...good, layers: [{...blob, mediaType: ''}]}, mediaTypes.manifest, /has no mediaType/);
test(refuses, {schemaVersion: 2, manifests: null}, mediaTypes.index, /has no list of manifests/);
test(refuses, {...good, mediaType: 'x/y'}, 'x/y', /unknown media type x\/y/);

test('refuses bytes that are not UTF-8', t => {
	const broken = Buffer.concat([bytes('{"schemaVersion":2,"x":"'), Buffer.from([0xff]), bytes('"}')]);
	t.throws(() => parseManifest(broken, mediaTypes.manifest, 'm'), {code: 'ERR_MANIFEST_INVALID'});
});

test('the empty config is what its descriptor says', t => {
	t.is(digestOf(emptyJson), emptyDescriptor.digest);
	t.is(emptyJson.length, emptyDescriptor.size);
});
