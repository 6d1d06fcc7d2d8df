import test from 'ava';
import fc from 'fast-check';
import {hasCode, type SealError} from '../../lib/core/errors.js';
import {
	formatReference,
	normalizeReference,
	parseReference,
	repositoryOf,
	shortReference,
} from '../../lib/oci/reference.js';

const digest = `sha256:${'a'.repeat(64)}`;

const normalizes = test.macro({
	exec(t, text: string, full: string, short: string) {
		t.is(normalizeReference(text), full);
		t.is(shortReference(full), short);
		t.is(normalizeReference(short), full);
	},
	title: (_, text) => `reads ${text}`,
});

test(normalizes, 'redis', 'docker.io/library/redis:latest', 'redis:latest');
test(normalizes, 'redis:v7', 'docker.io/library/redis:v7', 'redis:v7');
test(normalizes, 'bitnami/redis', 'docker.io/bitnami/redis:latest', 'bitnami/redis:latest');
test(normalizes, 'docker.io/redis', 'docker.io/library/redis:latest', 'redis:latest');
test(normalizes, 'index.docker.io/redis:1', 'docker.io/library/redis:1', 'redis:1');
test(normalizes, 'registry.k8s.io/pause:3.9', 'registry.k8s.io/pause:3.9', 'registry.k8s.io/pause:3.9');
test(normalizes, 'localhost/a', 'localhost/a:latest', 'localhost/a:latest');
test(normalizes, 'localhost:5000/a', 'localhost:5000/a:latest', 'localhost:5000/a:latest');
test(normalizes, 'host:5000/a/b:t', 'host:5000/a/b:t', 'host:5000/a/b:t');
test(normalizes, '[::1]:5000/a:t', '[::1]:5000/a:t', '[::1]:5000/a:t');
test(normalizes, '[2001:db8::1]/a', '[2001:db8::1]/a:latest', '[2001:db8::1]/a:latest');
test(normalizes, 'Host/a', 'Host/a:latest', 'Host/a:latest');
test(normalizes, 'xn--n3h.com/myimage', 'xn--n3h.com/myimage:latest', 'xn--n3h.com/myimage:latest');
test(normalizes, `redis@${digest}`, `docker.io/library/redis@${digest}`, `redis@${digest}`);
test(normalizes, `redis:7@${digest}`, `docker.io/library/redis:7@${digest}`, `redis:7@${digest}`);
test(normalizes, 'a--b__c/e.f:T_a.g-1', 'docker.io/a--b__c/e.f:T_a.g-1', 'a--b__c/e.f:T_a.g-1');
test(normalizes, 'docker.io/a.b/c:1', 'docker.io/a.b/c:1', 'docker.io/a.b/c:1');
test(normalizes, 'docker.io/localhost/c:1', 'docker.io/localhost/c:1', 'docker.io/localhost/c:1');
test(normalizes, 'docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest');

const refuses = test.macro({
	exec(t, text: string, message: RegExp, hint?: RegExp) {
		const error = t.throws(() => parseReference(text)) as SealError;
		t.true(hasCode(error, 'ERR_REFERENCE_INVALID'));
		t.regex(error.message, message);
		if (hint !== undefined) t.regex(error.hint ?? '', hint);
	},
	title: (_, text) => `refuses ${JSON.stringify(String(text).slice(0, 60))}`,
});

test(refuses, '', /empty/);
test(refuses, 'a'.repeat(64), /image id/, /sha256:a{64}/);
test(refuses, 'Redis', /lower case/, /Write redis\./);
test(refuses, 'docker.io/Redis:V7', /lower case/, /docker\.io\/redis:V7/);
test(refuses, 'redis:', /tag is empty/, /Write redis /);
test(refuses, 'redis:-a', /"-a" is no tag/);
test(refuses, `redis:${'t'.repeat(129)}`, /129 characters/);
test(refuses, 'redis@sha256:abc', /no digest/);
test(refuses, `redis@${digest}@${digest}`, /no digest/);
test(refuses, 'a//b', /no repository name/);
test(refuses, 'a/b/', /no repository name/);
test(refuses, 'shop:v1/', /no host name/, /Write shop:v1\./);
test(refuses, '-host.com/a', /no host name/, /host\[:port\]/);
test(refuses, 'host..com/a', /no host name/);
test(refuses, 'host:port/a', /no host name/);
test(refuses, '[fe80::1%eth0]/a', /no host name/);
test(refuses, 'a___b', /no repository name/);
test(refuses, 'a..b', /no repository name/);
test(refuses, 'https://ghcr.io/a/b', /no .*name/);
test(refuses, 'a b', /no repository name/);
test(refuses, 'a\nb', /no repository name/);
test(refuses, `docker.io/${'a'.repeat(256)}`, /264 characters/);
test(refuses, 'x'.repeat(100_000), /too long/);

test('accepts a repository of 255 characters and a tag of 128', t => {
	const path = `${'a/'.repeat(127)}a`;
	t.is(parseReference(`ghcr.io/${path}`).path.length, 255);
	t.is(parseReference(`redis:${'t'.repeat(128)}`).tag?.length, 128);
});

test('accepts 63 and 65 hexadecimal digits as a name', t => {
	t.is(parseReference('a'.repeat(63)).path, `library/${'a'.repeat(63)}`);
	t.is(parseReference('a'.repeat(65)).path, `library/${'a'.repeat(65)}`);
});

test('keeps tag and digest both', t => {
	t.deepEqual(parseReference(`quay.io/a/b:1@${digest}`), {domain: 'quay.io', path: 'a/b', tag: '1', digest} as never);
	t.is(repositoryOf(parseReference(`quay.io/a/b:1@${digest}`)), 'quay.io/a/b');
});

test('parsing never throws anything but its own error, and formatting is its inverse', t => {
	fc.assert(
		fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9./:@_[\]-]{1,40}$/)), text => {
			try {
				const full = formatReference(parseReference(text));
				t.is(normalizeReference(full), full);
				t.is(normalizeReference(shortReference(full)), full);
			} catch (error) {
				if (!hasCode(error, 'ERR_REFERENCE_INVALID')) throw error;
			}
		}),
		{numRuns: 2000},
	);
});
