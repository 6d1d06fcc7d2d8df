import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {Agent, request} from 'node:https';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {createAuthority, issueLeaf, type KeyPair} from '../../lib/runtime/pki/authority.js';
import {freePort} from '../helpers/free-port.js';
import {makeBinaries, makeParts} from '../lab/kubernetes/make.js';
import {binariesDir, builtVersion, partsDir} from '../lab/kubernetes/place.js';

/** A real API server on loopback, with its etcd, as plain processes. The endpoints of `kubernetes` are the test's to write. */
export interface ApiServer {
	readonly url: string;
	/** As an administrator. @throws Error for a status that is none of success */
	ask(method: string, path: string, body?: object): Promise<unknown>;
	/** Writes a kubeconfig for a client of this name and group, whose certificate `authority` signed; default: the one that the server trusts. */
	kubeconfig(name: string, client: {user: string; group: string; authority?: KeyPair}): Promise<string>;
	start(): Promise<void>;
	kill(): Promise<void>;
	/** etcd forgets all but the present. */
	compact(): Promise<void>;
	/** `kubectl` as an administrator. */
	kubectl(args: readonly string[], input: string): Promise<string>;
	close(): Promise<void>;
}

/** Why there is none, or undefined. CI makes it; a user is not surprised by minutes of compiling. */
export function whyNoApiServer(): string | undefined {
	if (existsSync(join(binariesDir(), 'kube-apiserver')) && existsSync(etcdProgram)) return undefined;
	if (process.env.CI !== 'true') return 'there is no kube-apiserver yet (npm run lab -- kubernetes)';
	makeParts();
	makeBinaries(builtVersion);
	return undefined;
}

const etcdProgram = join(partsDir, 'etcd/usr/bin/etcd');

export async function startApiServer(folder: string): Promise<ApiServer> {
	mkdirSync(folder, {recursive: true});
	const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
	const path = (name: string): string => join(folder, name);
	const authority = await createAuthority({subject: {commonName: 'kubernetes'}});
	writeFileSync(path('ca.crt'), authority.certPem);
	const pair = async (name: string, subject: object, purposes: readonly ('client' | 'server')[], from = authority) => {
		const alternativeNames = purposes.includes('server') ? ['127.0.0.1', 'localhost'] : [];
		const leaf = await issueLeaf(from, {subject: subject as {commonName: string}, purposes, alternativeNames});
		writeFileSync(path(`${name}.crt`), leaf.certPem);
		writeFileSync(path(`${name}.key`), leaf.keyPem.reveal(), {mode: 0o600});
	};
	await pair('server', {commonName: 'kube-apiserver'}, ['server']);
	await pair('accounts', {commonName: 'accounts'}, ['client']);
	await pair('admin', {commonName: 'admin', organizations: ['system:masters']}, ['client']);
	const url = `https://127.0.0.1:${port}`;
	const etcdUrl = `http://127.0.0.1:${etcdPort}`;
	const run = (name: string, program: string, args: readonly string[]): ChildProcess => {
		const child = spawn(program, args, {stdio: ['ignore', 'pipe', 'pipe']});
		const log = createWriteStream(path(`${name}.log`), {flags: 'a'});
		child.stdout.pipe(log, {end: false});
		child.stderr.pipe(log, {end: false});
		return child;
	};
	const etcd = run('etcd', etcdProgram, [
		...['--data-dir', path('etcd'), '--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
		...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`, '--unsafe-no-fsync'],
		...['--initial-advertise-peer-urls', `http://127.0.0.1:${peerPort}`],
		...['--initial-cluster', `default=http://127.0.0.1:${peerPort}`],
	]);
	const flags = [
		...['--etcd-servers', etcdUrl, '--bind-address', '127.0.0.1', '--secure-port', String(port)],
		...['--advertise-address', '192.0.2.1', '--endpoint-reconciler-type', 'none', '--authorization-mode', 'Node,RBAC'],
		...['--client-ca-file', path('ca.crt'), '--cert-dir', folder, '--service-cluster-ip-range', '10.96.0.0/16'],
		...['--tls-cert-file', path('server.crt'), '--tls-private-key-file', path('server.key'), '--allow-privileged'],
		...['--service-account-issuer', url, '--service-account-key-file', path('accounts.crt')],
		...['--service-account-signing-key-file', path('accounts.key'), '--disable-admission-plugins', 'ServiceAccount'],
	];
	let server: ChildProcess | undefined;
	const agent = (): Agent =>
		new Agent({
			ca: authority.certPem,
			cert: readFileSync(path('admin.crt')),
			key: readFileSync(path('admin.key')),
		});
	const kubeconfig: ApiServer['kubeconfig'] = async (name, {user, group, authority: from = authority}) => {
		await pair(name, {commonName: user, organizations: [group]}, ['client'], from);
		const file = path(`${name}.conf`);
		writeFileSync(file, kubeconfigText(url, name));
		return file;
	};
	const api: ApiServer = {
		url,
		kubeconfig,
		ask: (method, target, body) => ask(agent(), `${url}${target}`, method, body),
		async start() {
			server = run('apiserver', join(binariesDir(), 'kube-apiserver'), flags);
			for (let attempt = 0; attempt < 600; attempt++) {
				if (server.exitCode !== null) break;
				const isReady = await api.ask('GET', '/readyz').then(
					() => true,
					() => false,
				);
				if (isReady) return;
				await sleep(500);
			}
			throw new Error(`The API server does not start: ${readFileSync(path('apiserver.log'), 'utf8').slice(-3000)}`);
		},
		async kill() {
			await ended(server);
		},
		async compact() {
			const post = async (what: string, body: object): Promise<{header?: {revision?: string}}> =>
				(await (
					await fetch(`${etcdUrl}/v3/kv/${what}`, {method: 'POST', body: JSON.stringify(body)})
				).json()) as object;
			const {header} = await post('range', {key: Buffer.from('x').toString('base64')});
			await post('compaction', {revision: header?.revision, physical: true});
		},
		async kubectl(args, input) {
			await kubeconfig('kubectl', {user: 'admin', group: 'system:masters'});
			const child = spawn(join(binariesDir(), 'kubectl'), ['--kubeconfig', path('kubectl.conf'), ...args]);
			const said: Buffer[] = [];
			for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes));
			child.stdin.end(input);
			const [code] = (await once(child, 'close')) as [number];
			const text = Buffer.concat(said).toString();
			if (code !== 0) throw new Error(text);
			return text;
		},
		async close() {
			await ended(server);
			await ended(etcd);
		},
	};
	return api;
}

function kubeconfigText(url: string, name: string): string {
	return `apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "${url}", certificate-authority: ca.crt}}]
users: [{name: u, user: {client-certificate: ${name}.crt, client-key: ${name}.key}}]
`;
}

async function ended(child: ChildProcess | undefined): Promise<void> {
	if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
	child.kill('SIGKILL');
	await once(child, 'exit');
}

function ask(agent: Agent, url: string, method: string, body: object | undefined): Promise<unknown> {
	return new Promise((resolve, reject) => {
		const asked = request(url, {agent, method, timeout: 20_000, headers: {'content-type': 'application/json'}});
		asked.once('error', reject);
		asked.once('timeout', () => asked.destroy(new Error('no answer')));
		asked.once('response', response => {
			let text = '';
			response.setEncoding('utf8').on('data', (chunk: string) => {
				text += chunk;
			});
			response.once('end', () => {
				if ((response.statusCode ?? 0) >= 300) reject(new Error(`${response.statusCode} ${text}`));
				else resolve(text.startsWith('{') ? JSON.parse(text) : text);
			});
		});
		asked.end(body === undefined ? undefined : JSON.stringify(body));
	});
}
