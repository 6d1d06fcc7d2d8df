import {SealError} from '../../../core/errors.js';
import {type Digest, digestOf, hexOf, isDigest} from '../../../oci/digest.js';

/** `agent.json`: what an agent consists of. Every file but itself is in it. */
export interface AgentManifest {
	/** The version of sealimage. */
	readonly version: string;
	readonly protocol: number;
	/** `linux/amd64` */
	readonly platform: string;
	readonly node: string;
	readonly koffi: string;
	/** What it wants of a host: versions of libraries. */
	readonly needs: {readonly glibc: string};
	readonly files: Readonly<Record<string, ManifestFile>>;
}

export interface ManifestFile {
	readonly digest: Digest;
	readonly sizeBytes: number;
	readonly mode: '0644' | '0755';
}

export const manifestName = 'agent.json';
/** No agent is larger. */
const maxFileBytes = 1024 * 1024 * 1024;
const maxFiles = 64;
const maxManifestBytes = 64 * 1024;

export function formatManifest(manifest: AgentManifest): Buffer {
	return Buffer.from(`${JSON.stringify(manifest, undefined, '\t')}\n`);
}

/** The name of the folder of a version on hosts: `0.1.0-3f2a9c1b2d4e`. Equal ids are equal bytes. */
export function agentId(manifest: Buffer): string {
	const {version} = parseManifest(manifest, manifestName);
	return `${version}-${hexOf(digestOf(manifest)).slice(0, 12)}`;
}

/**
 * Reads what a folder, an image or a host says that its agent consists of.
 * @throws SealError ERR_AGENT_BUNDLE
 */
export function parseManifest(bytes: Uint8Array, where: string): AgentManifest {
	if (bytes.length > maxManifestBytes) throw damaged(where, 'it is too long');
	let value: unknown;
	try {
		value = JSON.parse(Buffer.from(bytes).toString());
	} catch (error) {
		throw damaged(where, 'it is no JSON', error);
	}
	const {version, protocol, platform, node, koffi, needs, files} = (value ?? {}) as Record<string, unknown>;
	const glibc = (needs as {glibc?: unknown} | null | undefined)?.glibc;
	for (const text of [version, node, koffi, glibc]) {
		if (typeof text !== 'string' || !/^\d[\w.+-]{0,60}$/.test(text)) throw damaged(where, 'a version is missing');
	}
	if (typeof platform !== 'string' || !/^linux\/[a-z0-9]{1,20}$/.test(platform))
		throw damaged(where, 'the platform is missing');
	if (typeof protocol !== 'number' || typeof files !== 'object' || files === null)
		throw damaged(where, 'the protocol or the files are missing');
	const entries = Object.entries(files as Record<string, unknown>);
	if (entries.length === 0 || entries.length > maxFiles) throw damaged(where, `it has ${entries.length} files`);
	return {
		version: version as string,
		protocol,
		platform,
		node: node as string,
		koffi: koffi as string,
		needs: {glibc: glibc as string},
		files: Object.fromEntries(entries.map(([name, file]) => [name, parseFile(name, file, where)])),
	};
}

/** Names of files lie flat in one folder. */
export function isFileName(name: string): boolean {
	return /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/.test(name) && name !== manifestName;
}

function parseFile(name: string, value: unknown, where: string): ManifestFile {
	const {digest, sizeBytes, mode} = (value ?? {}) as Record<string, unknown>;
	if (!isFileName(name)) throw damaged(where, `${JSON.stringify(name.slice(0, 80))} is no name of a file`);
	if (!isDigest(digest) || !digest.startsWith('sha256:')) throw damaged(where, `${name} has no digest`);
	if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > maxFileBytes)
		throw damaged(where, `${name} has no size`);
	if (mode !== '0644' && mode !== '0755') throw damaged(where, `${name} has no mode`);
	return {digest, sizeBytes, mode};
}

function damaged(where: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_AGENT_BUNDLE', `${where} does not describe an agent: ${why}`, {cause});
}
