import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {Secret} from '../../lib/core/secret.js';
import {hashPassword} from '../../lib/registry/server/access/bcrypt/hash.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {NewManifest} from '../../lib/registry/storage/storage.js';
import {formatMirrorLogin, type MirrorConfig} from '../../lib/runtime/mirror/config.js';
import {type Mirror, serveMirror} from '../../lib/runtime/mirror/serve.js';
import {createAuthority, issueLeaf} from '../../lib/runtime/pki/authority.js';
import {pushImage} from './storage-content.js';
import {tempDir} from './temp-dir.js';

/** What hosts of one cluster share, as files. */
export interface MirrorCluster {
	readonly folder: string;
	/** The address is that of the certificate: 127.0.0.x. */
	startMaster(address: string, upstreams?: readonly string[], port?: number): Promise<RunningMirror>;
	startNode(upstreams: readonly string[], more?: Partial<MirrorConfig>): Promise<RunningMirror>;
}

export interface RunningMirror {
	readonly mirror: Mirror;
	readonly config: MirrorConfig;
	/** What the others reach it under. */
	readonly networkUrl: string;
	readonly events: SealEvent[];
	/** Puts an image into its folder, as distribution does. */
	push(repository: string, tag: string, layers: readonly (string | Uint8Array)[]): Promise<NewManifest>;
}

export async function startCluster(t: ExecutionContext): Promise<MirrorCluster> {
	const folder = tempDir(t);
	const at = (name: string): string => join(folder, name);
	const authority = await createAuthority({subject: {commonName: 'sealimage-registry'}});
	const password = 'a-long-random-password';
	writeFileSync(at('ca.crt'), authority.certPem);
	writeFileSync(at('login.json'), formatMirrorLogin({username: 'sealimage', password}));
	writeFileSync(at('htpasswd'), `sealimage:${await hashPassword(new Secret(password), 4)}\n`);
	const base = {version: 1, port: 0, authority: at('ca.crt'), login: at('login.json')} as const;
	const start = async (config: MirrorConfig): Promise<RunningMirror> => {
		const events: SealEvent[] = [];
		const mirror = await serveMirror(config, {onEvent: event => events.push(event)});
		t.teardown(() => mirror.close());
		return {
			mirror,
			config,
			events,
			networkUrl: config.network === undefined ? '' : ((await mirror.networkUrl) ?? ''),
			async push(repository, tag, layers) {
				const storage = await openStockStorage(config.root, {create: true, durability: 'none'});
				try {
					return await pushImage(storage, repository, [tag], layers);
				} finally {
					await storage.close();
				}
			},
		};
	};
	return {
		folder,
		async startMaster(address, upstreams = [], port = 0) {
			const request = {subject: {commonName: address}, purposes: ['server'], alternativeNames: [address]} as const;
			const leaf = await issueLeaf(authority, request);
			writeFileSync(at(`${address}.crt`), leaf.certPem);
			writeFileSync(at(`${address}.key`), leaf.keyPem.reveal());
			const files = {certificate: at(`${address}.crt`), key: at(`${address}.key`), htpasswd: at('htpasswd')};
			return await start({
				...base,
				root: tempDir(t),
				network: {address, port, ...files},
				upstreams,
				prefer: 'local',
			});
		},
		startNode: (upstreams, more = {}) => start({...base, root: tempDir(t), upstreams, prefer: 'upstream', ...more}),
	};
}
