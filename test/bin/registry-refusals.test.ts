import {copyFileSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {sendError, startRegistry} from '../helpers/registry.js';
import {cliIn} from '../helpers/run-cli.js';
import {serveTls, tlsFixturePath} from '../helpers/tls-server.js';

test('a certificate that is not trusted is answered with the file that would make it so', async t => {
	const cli = cliIn(t);
	const host = await serveTls(t, 'server.crt', (_request, response) => {
		sendError(response, 404, 'MANIFEST_UNKNOWN', 'unknown');
	});
	const {exitCode, stderr} = await cli.run(['pull', `${host}/shop:v1`]);
	t.is(exitCode, 1);
	t.regex(stderr, /\[ERR_REGISTRY_TLS\]/);
	t.regex(stderr, /hint: .*certs\.d.*ca\.crt/);

	mkdirSync(join(cli.dir, 'certs'));
	copyFileSync(tlsFixturePath('ca.crt'), join(cli.dir, 'certs/ca.crt'));
	const trusted = await cli.run(['pull', '--cert-dir', 'certs', `${host}/shop:v1`]);
	t.regex(trusted.stderr, /\[ERR_IMAGE_UNKNOWN\]/);
});

test('a wrong password is answered with the file that it came from', async t => {
	const cli = cliIn(t);
	const registry = await startRegistry(t);
	registry.intercept = (_request, response) => {
		response.setHeader('www-authenticate', 'Basic realm="registry"');
		return sendError(response, 401, 'UNAUTHORIZED', 'authentication required');
	};
	const anonymous = await cli.run(['pull', `${registry.host}/shop:v1`]);
	t.is(anonymous.exitCode, 1);
	t.regex(anonymous.stderr, /\[ERR_REGISTRY_UNAUTHORIZED\]/);
	t.regex(anonymous.stderr, /hint: .*sealimage login/);

	const auth = Buffer.from('ann:not-the-password').toString('base64');
	writeFileSync(join(cli.dir, 'auth.json'), JSON.stringify({auths: {[registry.host]: {auth}}}));
	const wrong = await cli.run(['pull', '--authfile', 'auth.json', `${registry.host}/shop:v1`]);
	t.is(wrong.exitCode, 1);
	t.regex(wrong.stderr, /\[ERR_REGISTRY_UNAUTHORIZED\]/);
	t.regex(wrong.stderr, /auth\.json/);
	t.notRegex(wrong.stderr, /not-the-password/);
});
