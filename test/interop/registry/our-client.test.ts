import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {hashSync} from 'bcryptjs';
import {peerTest} from '../peer-test.js';
import {run, type StockRegistryOptions, startRegistry} from '../peers.js';
import {dataRecipe, programRecipe} from '../recipes.js';
import {buildRecipe, sealimageIn} from '../sealimage.js';
import {makeTls} from './tls.js';

const password = 'a:long one';

interface Mode {
	readonly title: string;
	options(home: string): Promise<StockRegistryOptions>;
}

const modes: readonly Mode[] = [
	{title: 'open', options: async () => ({})},
	{title: 'with a password', options: async home => ({htpasswd: writePasswords(home)})},
	{title: 'with TLS', options: async home => ({tls: await makeTls(home)})},
	{
		title: 'with TLS and a password',
		options: async home => ({tls: await makeTls(home), htpasswd: writePasswords(home)}),
	},
];

for (const mode of modes) {
	peerTest(
		`our client logs in, pushes, lists, inspects, pulls and deletes at a docker-registry that is ${mode.title}`,
		['docker-registry', 'openssl', 'busybox'],
		async (t, home) => {
			const options = await mode.options(home);
			const host = await startRegistry(t, join(home, 'served'), home, {...options, deletes: true});
			const trust = options.tls === undefined ? [] : ['--cert-dir', join(home, 'tls/trusted')];
			const authfile = ['--authfile', join(home, 'auth.json')];
			writeFileSync(join(home, 'auth.json'), '{}');
			const sealimage = sealimageIn(home);
			if (options.htpasswd !== undefined) {
				const refused = await t.throwsAsync(sealimage('tags', ...trust, ...authfile, `docker://${host}/team/app`));
				t.regex(refused?.message ?? '', /ERR_REGISTRY_UNAUTHORIZED/);
				const wrong = await t.throwsAsync(logIn(home, host, trust, 'wrong'));
				t.regex(wrong?.message ?? '', /ERR_REGISTRY_UNAUTHORIZED/);
				await logIn(home, host, trust, password);
			}
			const flags = [...trust, ...authfile];
			await exchange(t, home, host, flags);
		},
	);
}

/** Everything a client does with a registry, and the same digests at the end. */
async function exchange(t: ExecutionContext, home: string, host: string, flags: readonly string[]): Promise<void> {
	const sealimage = sealimageIn(home);
	const app = `${host}/team/app`;
	const several = await buildRecipe(home, dataRecipe);
	const single = await buildRecipe(home, programRecipe);
	await sealimage('push', ...flags, dataRecipe.name, `${app}:two`);
	await sealimage('push', ...flags, programRecipe.name, `${app}:one`);
	t.deepEqual(await json(home, 'tags', ...flags, `docker://${app}`, '--output', 'json').then(tagsOf), ['one', 'two']);
	const elsewhere = sealimageIn(join(home, 'elsewhere'));
	await elsewhere('pull', ...flags, `${app}:two`, `${app}:one`);
	for (const [tag, digest] of Object.entries({two: several, one: single})) {
		const found = JSON.parse(await elsewhere('images', '--output', 'json')) as {names: string[]; digest: string}[];
		t.is(found.find(image => image.names.includes(`${app}:${tag}`))?.digest, digest);
	}
	const again = JSON.parse(
		await sealimage('push', '--output', 'json', ...flags, dataRecipe.name, `${app}:two`),
	) as object;
	t.regex(JSON.stringify(again), /"sent\w*":\{?[^}]*0/);
	const [missing] = await Promise.allSettled([elsewhere('pull', ...flags, `${app}:twoo`)]);
	t.regex(String(missing.status === 'rejected' && missing.reason), /ERR_IMAGE_UNKNOWN/);
	t.regex(String(missing.status === 'rejected' && missing.reason), /two/);
	await sealimage('delete', '--yes', ...flags, `docker://${app}@${single}`);
	t.deepEqual(await json(home, 'tags', ...flags, `docker://${app}`, '--output', 'json').then(tagsOf), ['two']);
}

peerTest(
	'our client pulls through a docker-registry that is a proxy of our server',
	['docker-registry', 'busybox'],
	async (t, home) => {
		const digest = await buildRecipe(home, dataRecipe);
		const origin = await startRegistry(t, join(home, 'origin'), home);
		const proxy = await startRegistry(t, join(home, 'cache'), home, {proxyOf: origin});
		await sealimageIn(home)('push', dataRecipe.name, `${origin}/team/app:v1`);
		const elsewhere = sealimageIn(join(home, 'elsewhere'));
		t.regex(await elsewhere('pull', `${proxy}/team/app:v1`), new RegExp(digest));
		const refused = await t.throwsAsync(sealimageIn(home)('push', dataRecipe.name, `${proxy}/team/app:v2`));
		t.regex(refused?.message ?? '', /error: .*\[ERR_REGISTRY_/);
	},
);

function writePasswords(home: string): string {
	const path = join(home, 'htpasswd');
	writeFileSync(path, `ship:${hashSync(password, 4)}\n`);
	return path;
}

/** The password comes by stdin, as scripts give it. */
async function logIn(home: string, host: string, flags: readonly string[], secret: string): Promise<void> {
	const cli = join(process.cwd(), 'dist/bin/sealimage.js');
	const argv = [
		'login',
		'--username',
		'ship',
		'--password-stdin',
		'--authfile',
		join(home, 'auth.json'),
		...flags,
		host,
	];
	const line = 'printf %s "$SECRET" | exec "$0" "$@"';
	await run(['sh', '-c', line, process.execPath, cli, ...argv], {env: {SECRET: secret}});
}

async function json(home: string, ...argv: string[]): Promise<unknown> {
	return JSON.parse(await sealimageIn(home)(...argv)) as unknown;
}

function tagsOf(answer: unknown): unknown {
	return Array.isArray(answer) ? answer : (answer as {tags?: unknown}).tags;
}
