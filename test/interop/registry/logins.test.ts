import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hashSync} from 'bcryptjs';
import {peerTest} from '../peer-test.js';
import {type Command, run, startRegistry} from '../peers.js';
import {programRecipe} from '../recipes.js';
import {buildRecipe, storeOf} from '../sealimage.js';
import {makeTls} from './tls.js';

const password = 's3:cret';

interface User {
	/** Any program, with the files of this user and no others. */
	readonly program: Command;
	/** The same with the password on stdin. */
	readonly withPassword: Command;
	readonly sealimage: readonly string[];
}

function userOf(home: string): User {
	const runtime = join(home, 'run');
	mkdirSync(runtime, {recursive: true, mode: 0o700});
	const env = {HOME: home, XDG_RUNTIME_DIR: runtime, SECRET: password};
	return {
		program: (...argv) => run(argv, {env}),
		withPassword: (...argv) => run(['sh', '-c', 'printf %s "$SECRET" | exec "$0" "$@"', ...argv], {env}),
		sealimage: [process.execPath, join(process.cwd(), 'dist/bin/sealimage.js'), '--root', storeOf(home)],
	};
}

function passwords(home: string): string {
	const path = join(home, 'htpasswd');
	writeFileSync(path, `ship:${hashSync(password, 4)}\n`);
	return path;
}

const login = ['login', '--username', 'ship', '--password-stdin'];

peerTest(
	'skopeo, podman and buildah use the login and the certificate that we use, from the same files',
	['docker-registry', 'skopeo', 'podman', 'buildah', 'openssl', 'busybox'],
	async (t, home) => {
		const tls = await makeTls(home);
		const host = await startRegistry(t, join(home, 'served'), home, {htpasswd: passwords(home), tls});
		const {program, withPassword, sealimage} = userOf(home);
		const certificates = join(home, '.config/containers/certs.d', host);
		mkdirSync(certificates, {recursive: true});
		await run(['cp', tls.ca, certificates]);
		await withPassword(...sealimage, ...login, host);
		await buildRecipe(home, programRecipe);
		await program(...sealimage, 'push', programRecipe.name, `${host}/app:1`);
		t.is((await program('podman', 'login', '--get-login', host)).trim(), 'ship');
		t.regex(await program('skopeo', 'inspect', `docker://${host}/app:1`), /"Digest"/);
		t.regex(await program('buildah', 'login', '--get-login', host), /ship/);
		await program(...sealimage, 'logout', host);
		await t.throwsAsync(program('skopeo', 'inspect', `docker://${host}/app:1`));
	},
);

peerTest('we use the logins that skopeo and podman wrote', ['docker-registry', 'skopeo', 'podman'], async (t, home) => {
	const host = await startRegistry(t, join(home, 'served'), home, {htpasswd: passwords(home)});
	for (const tool of ['skopeo', 'podman']) {
		const {program, withPassword, sealimage} = userOf(join(home, tool));
		await withPassword(tool, ...login, '--tls-verify=false', host);
		t.is((await program(...sealimage, 'login', '--get-login', host)).trim(), 'ship');
		await t.throwsAsync(program(...sealimage, 'tags', `docker://${host}/none`), {message: /ERR_IMAGE_UNKNOWN|NAME/});
		await program(...sealimage, 'logout', host);
		await t.throwsAsync(program(tool, 'login', '--get-login', host));
	}
});

peerTest(
	'we and skopeo follow the same registries.conf: another location, and a mirror that is down',
	['docker-registry', 'skopeo', 'busybox'],
	async (t, home) => {
		const host = await startRegistry(t, join(home, 'served'), home);
		const {program, sealimage} = userOf(home);
		const digest = await buildRecipe(home, programRecipe);
		await program(...sealimage, 'push', programRecipe.name, `${host}/team/app:1`);
		const conf = join(home, '.config/containers/registries.conf');
		mkdirSync(join(conf, '..'), {recursive: true});
		writeFileSync(
			conf,
			`[[registry]]
prefix = "registry.example.com"
location = "${host}/team"
insecure = true
[[registry.mirror]]
location = "127.0.0.1:1/team"
insecure = true
`,
		);
		const name = 'registry.example.com/app:1';
		t.regex(await program('skopeo', 'inspect', '--no-tags', `docker://${name}`), new RegExp(digest));
		t.regex(await program(...sealimage, 'pull', name), new RegExp(digest));
		const other = userOf(join(home, 'other'));
		t.regex(await other.program(...other.sealimage, 'pull', '--registries-conf', conf, name), new RegExp(digest));
	},
);
