import test from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import {formatPlace, type Place, parsePlace} from '../../../lib/registry/place/parse.js';

const digest = `sha256:${'a'.repeat(64)}`;

const reads = test.macro({
	exec(t, text: string, place: Place) {
		t.deepEqual(parsePlace(text), place);
		t.deepEqual(parsePlace(formatPlace(place)), place, 'and back');
	},
	title: (_given, text) => `${text} is read`,
});

test(reads, 'redis:7', {kind: 'store', reference: 'redis:7'});
test(reads, 'store:docker:27', {kind: 'store', reference: 'docker:27'});
test(reads, 'localhost:5000/shop:v1', {kind: 'store', reference: 'localhost:5000/shop:v1'});
test(reads, 'a1b2c3d4', {kind: 'store', reference: 'a1b2c3d4'});
test(reads, `store:${digest}`, {kind: 'store', reference: digest});
test(reads, 'dir:7', {kind: 'store', reference: 'dir:7'});
test(reads, 'docker://redis', {kind: 'docker', reference: 'docker.io/library/redis:latest'});
test(reads, `docker://[::1]:5000/a/b:v1@${digest}`, {kind: 'docker', reference: `[::1]:5000/a/b:v1@${digest}`});
test(reads, 'oci:/srv/site', {kind: 'oci', path: '/srv/site', reference: undefined});
test(reads, 'oci:../site:v1', {kind: 'oci', path: '../site', reference: 'v1'});
test(reads, 'oci-archive:site.tar:registry.example.com:5000/shop:v1', {
	kind: 'oci-archive',
	path: 'site.tar',
	reference: 'registry.example.com:5000/shop:v1',
});
test(reads, 'oci-archive:/mnt/c\\:disk/a.tar', {kind: 'oci-archive', path: '/mnt/c:disk/a.tar', reference: undefined});
test(reads, 'docker-archive:a b.tar:docker.io/library/redis:7', {
	kind: 'docker-archive',
	path: 'a b.tar',
	reference: 'docker.io/library/redis:7',
});
test(reads, 'registry-dir:registry:registry.k8s.io/pause:3.10', {
	kind: 'registry-dir',
	path: 'registry',
	reference: 'registry.k8s.io/pause:3.10',
});

test('a plain name is in a registry where the caller says so', t => {
	t.deepEqual(parsePlace('redis:7', 'docker'), {kind: 'docker', reference: 'docker.io/library/redis:7'});
	t.deepEqual(parsePlace('oci:a', 'docker').kind, 'oci');
});

test('the name in a docker archive is normalised as docker does', t => {
	const place = parsePlace('docker-archive:a.tar:redis');
	t.is(place.kind === 'docker-archive' ? place.reference : '', 'docker.io/library/redis:latest');
});

const refuses = test.macro({
	exec(t, text: string, code: 'ERR_PLACE_INVALID' | 'ERR_REFERENCE_INVALID', message: RegExp, hint: RegExp) {
		const error = t.throws(() => parsePlace(text), {instanceOf: SealError});
		t.is(error.code, code);
		t.regex(error.message, message);
		t.regex(error.hint ?? '', hint);
	},
	title: (_given, text) => `${JSON.stringify(text)} is refused with the way out`,
});

const invalid = 'ERR_PLACE_INVALID';
test(refuses, '', invalid, /it is empty/, /Name an image/);
test(refuses, 'docker:host/name', invalid, /followed by \/\//, /docker:\/\/host\/name/);
test(refuses, 'docker://', invalid, /names no image/, /docker:\/\/host\/name:tag/);
test(refuses, 'dokcer://host/name', invalid, /no kind of place called dokcer/, /Did you mean docker:\/\/host\/name\?/);
test(refuses, 'oci-arhive:site.tar', invalid, /called oci-arhive/, /Did you mean oci-archive:site\.tar\?/);
test(refuses, 'ocii:/srv/site', invalid, /called ocii/, /Did you mean oci:\/srv\/site\?/);
test(refuses, 'ftp:/srv/site', invalid, /called ftp/, /docker:\/\/, store:, oci:/);
test(refuses, 'https://host/name', invalid, /not named by URL/, /Write docker:\/\/host\/name\./);
test(refuses, 'containers-storage:redis', invalid, /podman and buildah/, /podman save.*podman load/);
test(refuses, 'docker-daemon:redis:7', invalid, /through docker only/, /docker save.*docker load/);
test(refuses, 'oci-dir:site', invalid, /called oci here/, /Write oci:site\./);
test(refuses, 'dir:/srv/site', invalid, /keeps no names/, /oci:DIR/);
test(refuses, 'oci:', invalid, /path is empty/, /oci:PATH:NAME/);
test(refuses, 'oci::v1', invalid, /path is empty/, /oci:PATH:NAME/);
test(refuses, 'oci:a:', invalid, /name is empty/, /last colon/);
test(refuses, 'store:', invalid, /names no image/, /store:shop:v1/);
test(refuses, 'docker://Host/Name', 'ERR_REFERENCE_INVALID', /lower case/, /Host\/name/);
test(refuses, 'Redis', 'ERR_REFERENCE_INVALID', /lower case/, /redis/);

test('a name with control characters is refused', t => {
	t.throws(() => parsePlace('oci:a:b\nc'), {instanceOf: SealError, code: 'ERR_PLACE_INVALID'});
	t.throws(() => parsePlace('oci:a\0b'), {instanceOf: SealError, code: 'ERR_PLACE_INVALID'});
});
