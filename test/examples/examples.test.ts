import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import test, {type ExecutionContext} from 'ava';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import {startServer} from '../helpers/registry-server.js';

const project = process.cwd();
const tsc = join(project, 'node_modules/typescript/bin/tsc');
const twoPlatforms = ['--platform', 'linux/amd64,linux/arm64'];

// The examples import 'sealimage' as a user does, from dist.
test.before(async () => {
	await node([tsc, '-p', 'tsconfig.dist.json']);
	await node(['bin/bundle.js']);
	await node([tsc, '-p', 'examples']);
});

test.serial(
	'the demo builds, saves, loads and verifies a cluster image, and then takes it all from the cache',
	async t => {
		const folder = scratch(t);
		const demo = ['examples/demo/run.js', '--dir', folder];
		const first = await node(demo);
		t.regex(first, /embed registry\.example\.com\/demo\/hello:v1 for linux\/arm64/);
		t.regex(first, /verify every digest there: \d+ blobs/);
		t.regex(first, /Try next:/);
		const second = await node(demo);
		const notes = [...second.matchAll(/(\d+) steps done, (\d+) from the cache/g)];
		t.is(notes.length, 3);
		for (const [note, done] of notes) t.is(done, '0', note);
		t.is(digestOf(second), digestOf(first));
	},
);

test.serial(
	'the pipeline delivers the ingress example with the image that its chart needs, to a disk and to a registry',
	async t => {
		const folder = scratch(t);
		const store = join(folder, 'store');
		const standIn = join(folder, 'controller');
		mkdirSync(standIn);
		writeFileSync(join(standIn, 'Sealfile'), 'FROM scratch\nCOPY Sealfile /\n');
		await sealimage(store, 'build', '-t', 'registry.k8s.io/ingress-nginx/controller:v1.11.3', ...twoPlatforms, standIn);
		const archive = join(folder, 'ingress.tar');
		const {port} = await startServer(t, await openStockStorage(join(folder, 'registry'), {create: true}));
		const delivered = await node([
			...['.build/examples/pipeline/pipeline.js', store, 'examples/ingress', 'ingress:v1.11.3'],
			...[`oci-archive:${archive}:v1.11.3`, `docker://127.0.0.1:${port}/ingress:v1.11.3`],
		]);
		t.regex(delivered, /embeds registry\.k8s\.io\/ingress-nginx\/controller:v1\.11\.3/);
		t.true(statSync(archive).size > 1024);
		t.is(await sealimage(store, 'tags', `127.0.0.1:${port}/ingress`), 'v1.11.3\n');
		const tree = await sealimage(store, 'tree', '--all', '--platform', 'linux/arm64', 'ingress:v1.11.3');
		for (const name of ['ingress.values.yaml', 'lock.json', 'controller']) t.true(tree.includes(name), name);
	},
);

test.serial('the test of the rollout passes on fake hosts', async t => {
	t.is(await node(['.build/examples/rollout/rollout-check.js']), 'rollout: all is well\n');
});

test.serial('the registry of a site lets everyone pull, and who knows the token push', async t => {
	const folder = scratch(t);
	const child = spawn(process.execPath, ['.build/examples/registry/site-registry.js', join(folder, 'registry'), '0'], {
		env: {PATH: process.env.PATH, TOKEN: 'secret'},
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
	const [, url = ''] = /^listening on (.*)$/.exec((await lines.next()).value as string) ?? [];
	const host = new URL(url).host;
	const store = join(folder, 'store');
	mkdirSync(join(folder, 'context'));
	writeFileSync(join(folder, 'context/Sealfile'), 'FROM scratch\nCOPY Sealfile /\n');
	await sealimage(store, 'build', '-t', 'site:v1', join(folder, 'context'));
	await t.throwsAsync(sealimage(store, 'push', 'site:v1', `docker://${host}/site:v1`));
	await sealimage(store, 'push', '--creds', 'me:secret', 'site:v1', `docker://${host}/site:v1`);
	t.regex((await lines.next()).value as string, /^stored site:v1 sha256:/);
	t.is(await sealimage(store, 'tags', `${host}/site`), 'v1\n');
	child.kill('SIGTERM');
	t.deepEqual(await once(child, 'exit'), [0, null]);
});

test.serial('the kubernetes example builds for both architectures from a local folder, without a network', async t => {
	const folder = scratch(t);
	const context = join(folder, 'kubernetes');
	cpSync('examples/kubernetes', context, {recursive: true});
	for (const architecture of ['amd64', 'arm64']) {
		for (const name of ['kubeadm', 'kubelet', 'kubectl', 'crictl']) {
			mkdirSync(join(context, 'local', architecture), {recursive: true});
			writeFileSync(join(context, 'local', architecture, name), `${name} for ${architecture}\n`);
		}
	}
	const store = join(folder, 'store');
	const flags = ['--build-arg', 'SOURCE=local', '--save-image=false', ...twoPlatforms];
	await sealimage(store, 'build', '-t', 'kubernetes:v1.31.4', ...flags, context);
	for (const architecture of ['amd64', 'arm64']) {
		const unpacked = join(folder, architecture);
		await sealimage(store, 'create', '--platform', `linux/${architecture}`, 'kubernetes:v1.31.4', unpacked);
		t.is(readFileSync(join(unpacked, 'bin/kubelet'), 'utf8'), `kubelet for ${architecture}\n`);
		t.regex(
			readFileSync(join(unpacked, 'images/shim/kubernetes'), 'utf8'),
			/^registry\.k8s\.io\/kube-proxy:v1\.31\.4$/m,
		);
		t.is(statSync(join(unpacked, 'scripts/init.sh')).mode & 0o777, 0o755);
	}
});

test.serial('the kubernetes example asks for checksums before it downloads anything', async t => {
	const store = join(scratch(t), 'store');
	const error = await t.throwsAsync(
		sealimage(store, 'build', '-t', 'k:1', '--platform', 'linux/amd64', 'examples/kubernetes'),
	);
	t.regex(error?.message ?? '', /KUBEADM_SHA256_AMD64/);
});

test.serial('the patch example is a patch image', async t => {
	const store = join(scratch(t), 'store');
	await sealimage(store, 'build', '-t', 'kubelet-limits:1', 'examples/patch');
	t.regex(await sealimage(store, 'inspect', '--output', 'json', 'kubelet-limits:1'), /"sealos\.io\.type": ?"patch"/);
});

function digestOf(output: string): string | undefined {
	return /@(sha256:[0-9a-f]{64})$/m.exec(output)?.[1];
}

async function sealimage(store: string, ...args: string[]): Promise<string> {
	return await node(['dist/bin/sealimage.js', '--root', store, ...args]);
}

function node(args: readonly string[]): Promise<string> {
	return new Promise((resolve, reject) => {
		execFile(process.execPath, args, {cwd: project, maxBuffer: 64 << 20}, (error, stdout, stderr) => {
			if (error === null) resolve(stdout);
			else reject(new Error(`${args.join(' ')}\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`));
		});
	});
}

function scratch(t: ExecutionContext): string {
	const path = mkdtempSync(join(tmpdir(), 'sealimage-examples-'));
	t.teardown(() => rmSync(path, {recursive: true, force: true}));
	return path;
}
