import test from 'ava';
import type {Descriptor} from '../../../lib/oci/descriptor.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {parsePlatform} from '../../../lib/oci/platform.js';
import {
	createLock,
	findLocked,
	formatLock,
	mergeLocks,
	parseLock,
	unusedLocks,
} from '../../../lib/sealfile/embed/lock.js';
import type {ResolvedImage} from '../../../lib/sealfile/embed/resolve-images.js';

const document = (digit: string, mediaType: string = mediaTypes.manifest): Descriptor => ({
	mediaType,
	digest: `sha256:${digit.repeat(64)}`,
	size: 10,
});
const content = {} as ResolvedImage['content'];
const image = (name: string, chain: readonly Descriptor[], line = 1): ResolvedImage => ({
	name: `docker.io/library/${name}`,
	chain,
	content,
	foundIn: [{path: 'manifests/a.yaml', line}, {path: 'charts/x'}],
	source: 'store',
});

const index = document('0', mediaTypes.index);
const lock = createLock([
	{platform: parsePlatform('linux/arm64'), images: [image('b:1', [index, document('2')], 2)]},
	{
		platform: parsePlatform('linux/amd64'),
		images: [image('b:1', [index, document('1')]), image('a:1', [document('3')])],
	},
]);

test('a lock holds every image with its digests per platform and its places, in a stable order', t => {
	t.is(
		formatLock(lock).toString(),
		`{
  "schemaVersion": 1,
  "images": [
    {
      "reference": "docker.io/library/a:1",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:${'3'.repeat(64)}",
      "size": 10,
      "platforms": {
        "linux/amd64": {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "sha256:${'3'.repeat(64)}",
          "size": 10
        }
      },
      "foundIn": [
        "charts/x",
        "manifests/a.yaml:1"
      ],
      "source": "store"
    },
    {
      "reference": "docker.io/library/b:1",
      "mediaType": "application/vnd.oci.image.index.v1+json",
      "digest": "sha256:${'0'.repeat(64)}",
      "size": 10,
      "platforms": {
        "linux/amd64": {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "sha256:${'1'.repeat(64)}",
          "size": 10
        },
        "linux/arm64": {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "sha256:${'2'.repeat(64)}",
          "size": 10
        }
      },
      "foundIn": [
        "charts/x",
        "manifests/a.yaml:1",
        "manifests/a.yaml:2"
      ],
      "source": "store"
    }
  ]
}
`,
	);
});

test('reading a lock gives what was written', t => {
	const read = parseLock(formatLock(lock), 'lock');
	t.is(formatLock(read).toString(), formatLock(lock).toString());
	t.is(findLocked(read, 'docker.io/library/b:1', parsePlatform('linux/arm64/v8'))?.digest, index.digest);
	t.is(findLocked(read, 'docker.io/library/a:1', parsePlatform('linux/arm64')), undefined);
});

test('a reference whose platforms came from different images has an entry for each', t => {
	const mixed = createLock([
		{platform: parsePlatform('linux/arm64'), images: [image('a:1', [document('2')])]},
		{platform: parsePlatform('linux/amd64'), images: [image('a:1', [document('1')])]},
	]);
	const read = parseLock(formatLock(mixed), 'lock');
	t.is(read.images.length, 2);
	t.is(findLocked(read, 'docker.io/library/a:1', parsePlatform('linux/arm64'))?.digest, document('2').digest);
});

test('entries that nothing refers to are found', t => {
	t.deepEqual(
		unusedLocks(lock, ['docker.io/library/a:1']).map(entry => entry.reference),
		['docker.io/library/b:1'],
	);
});

test('locks are merged entry by entry', t => {
	const other = createLock([
		{
			platform: parsePlatform('linux/s390x'),
			images: [image('b:1', [index, document('4')]), image('c:1', [document('5')])],
		},
	]);
	const merged = mergeLocks([lock, other]);
	t.deepEqual(
		merged.images.map(entry => [entry.reference, Object.keys(entry.platforms).sort()]),
		[
			['docker.io/library/a:1', ['linux/amd64']],
			['docker.io/library/b:1', ['linux/amd64', 'linux/arm64', 'linux/s390x']],
			['docker.io/library/c:1', ['linux/s390x']],
		],
	);
});

const valid = JSON.parse(formatLock(lock).toString()) as {images: Array<Record<string, unknown>>};
const refused = test.macro<[change: (copy: typeof valid) => unknown, message: RegExp]>({
	exec: (t, change, message) => {
		const copy = structuredClone(valid);
		const changed = change(copy) ?? copy;
		const text = typeof changed === 'string' ? changed : JSON.stringify(copy);
		t.throws(() => parseLock(Buffer.from(text), 'x.json'), {code: 'ERR_LOCK_INVALID', message});
	},
	title: title => `a lock ${String(title)} is refused`,
});

test('that is no JSON', refused, () => 'no', /x\.json is not JSON/);
test('of another version', refused, copy => void Object.assign(copy, {schemaVersion: 2}), /schemaVersion is 2/);
test('without images', refused, copy => void Object.assign(copy, {images: 'x'}), /images is no list/);
test(
	'with a reference that is none',
	refused,
	copy => void Object.assign(copy.images[0]!, {reference: 'A B'}),
	/images\[0\]\.reference/,
);
test(
	'with a digest that is none',
	refused,
	copy => void Object.assign(copy.images[1]!, {digest: 'sha256:1'}),
	/images\[1\]\.digest/,
);
test('with a size that is none', refused, copy => void Object.assign(copy.images[1]!, {size: -1}), /images\[1\]\.size/);
test(
	'with a platform that is none',
	refused,
	copy => void Object.assign(copy.images[0]!, {platforms: {'a/b/c/d': {}}}),
	/platforms has "a\/b\/c\/d"/,
);
test('with an image twice', refused, copy => void copy.images.push(copy.images[0]!), /twice/);
