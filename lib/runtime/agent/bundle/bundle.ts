import {chmod, copyFile, mkdir, readdir, readFile, rename, rm, utimes, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {besideOf} from '../../../core/atomic-file.js';
import {SealError} from '../../../core/errors.js';
import type {OperationOptions} from '../../../core/events.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {mapBounded} from '../../../core/pool.js';
import {type Digest, digestOf} from '../../../oci/digest.js';
import {agentProtocol} from '../protocol.js';
import {type AgentManifest, agentId, formatManifest, isFileName, manifestName, parseManifest} from './manifest.js';
import {digestOfFile} from './measure.js';
import {agentPackages, koffiVersion, nodeVersion} from './packages.js';
import {openParts, type PartsOptions} from './parts.js';

/** The agent for one platform: what an image gets at `opt/sealimage`, and a host at `/opt/sealimage/versions/<id>`. */
export interface AgentBundle {
	/** Equal ids are equal bytes. */
	readonly id: string;
	/** `linux/amd64` */
	readonly platform: string;
	readonly manifest: AgentManifest;
	/** In the order of their names; `agent.json` is the last. */
	readonly files: readonly AgentFile[];
}

export interface AgentFile {
	readonly name: string;
	readonly mode: number;
	readonly sizeBytes: number;
	readonly digest: Digest;
	readonly content:
		| {readonly kind: 'file'; readonly path: string}
		| {readonly kind: 'bytes'; readonly bytes: Uint8Array};
}

/** Where the agent comes from. */
export interface BundleOptions extends PartsOptions {
	/** The folder with the bundled script. Default: that of this package. */
	readonly scriptDir?: string | undefined;
	/** A folder that `writeBundle` made, used instead of all that; nothing is fetched then. */
	readonly agentDir?: string | undefined;
}

/** The platforms that there is an agent for. */
export const agentPlatforms: readonly string[] = Object.keys(agentPackages);

/** Where the agent lies in an image, and in what `writeBundle` makes for a platform. */
export const agentFolder = 'opt/sealimage';

/**
 * The agent for a platform: out of `agentDir`, or put together from the script and what is in the cache or comes from npm.
 * @throws SealError ERR_AGENT_PLATFORM, ERR_AGENT_BUNDLE
 */
export async function openBundle(platform: string, options: BundleOptions): Promise<AgentBundle> {
	const pins = Object.hasOwn(agentPackages, platform) ? agentPackages[platform] : undefined;
	if (pins === undefined) {
		throw new SealError('ERR_AGENT_PLATFORM', `There is no agent for ${platform}`, {
			hint: `Hosts can be ${agentPlatforms.join(' or ')}.`,
			details: {platform},
		});
	}
	if (options.agentDir !== undefined) return await readBundle(options.agentDir, platform, options);
	const {version, scripts} = await readScripts(options.scriptDir ?? ownScripts);
	const parts = await openParts(pins, options);
	const files = [
		...scripts.map(
			({name, bytes}): AgentFile => ({
				name,
				mode: 0o644,
				sizeBytes: bytes.length,
				digest: digestOf(bytes),
				content: {kind: 'bytes', bytes},
			}),
		),
		...parts.map(({path, ...rest}): AgentFile => ({...rest, content: {kind: 'file', path}})),
	].sort((a, b) => (a.name < b.name ? -1 : 1));
	const manifest: AgentManifest = {
		version,
		protocol: agentProtocol,
		platform,
		node: nodeVersion,
		koffi: koffiVersion,
		needs: {glibc: '2.28'},
		files: Object.fromEntries(
			files.map(({name, digest, sizeBytes, mode}) => [
				name,
				{digest, sizeBytes, mode: mode === 0o755 ? '0755' : '0644'},
			]),
		),
	};
	return withManifest(formatManifest(manifest), files);
}

/**
 * Writes an agent into a folder for `agentDir`: `linux-amd64/opt/sealimage/`, one folder for each platform. The same agent gives the same bytes,
 * modes and times.
 * @throws SealError ERR_NO_SPACE, ERR_PERMISSION, ERR_IO
 */
export async function writeBundle(bundle: AgentBundle, folder: string): Promise<string> {
	const top = join(folder, bundle.platform.replace('/', '-'));
	return await withIo('write the agent to', top, async () => {
		const beside = besideOf(top);
		const target = join(beside, agentFolder);
		try {
			await mkdir(target, {recursive: true});
			for (const {name, mode, content} of bundle.files) {
				const path = join(target, name);
				if (content.kind === 'bytes') await writeFile(path, content.bytes);
				else await copyFile(content.path, path);
				await chmod(path, mode);
				await utimes(path, 0, 0);
			}
			for (const path of [target, join(target, '..'), beside]) {
				await chmod(path, 0o755);
				await utimes(path, 0, 0);
			}
			await rm(top, {recursive: true, force: true});
			await rename(beside, top);
		} catch (error) {
			await rm(beside, {recursive: true, force: true});
			throw error;
		}
		return top;
	});
}

/**
 * The agent for a platform out of a folder that `writeBundle` made, every file checked against `agent.json`.
 * @throws SealError ERR_AGENT_BUNDLE
 */
export async function readBundle(folder: string, platform: string, options: OperationOptions): Promise<AgentBundle> {
	const source = join(folder, platform.replace('/', '-'), agentFolder);
	const bytes = await ifExists(() => readFile(join(source, manifestName)));
	if (bytes === undefined) {
		throw new SealError('ERR_AGENT_BUNDLE', `The folder ${folder} has no agent for ${platform}`, {
			hint: `Make it with "sealimage agent fetch --platform ${platform} --to ${folder}".`,
		});
	}
	const manifest = parseManifest(bytes, join(source, manifestName));
	if (manifest.platform !== platform)
		throw new SealError('ERR_AGENT_BUNDLE', `The agent in ${source} is for ${manifest.platform}, expected ${platform}`);
	const files = await mapBounded(
		Object.entries(manifest.files),
		4,
		async ([name, {digest, sizeBytes, mode}]): Promise<AgentFile> => {
			const path = join(source, name);
			const found = await withIo('read', path, () => digestOfFile(path, options));
			if (found !== digest) {
				throw new SealError('ERR_AGENT_BUNDLE', `${path} is damaged: its digest is ${found}, expected ${digest}`, {
					hint: 'Make the folder anew with "sealimage agent fetch".',
				});
			}
			return {name, mode: Number.parseInt(mode, 8), sizeBytes, digest, content: {kind: 'file', path}};
		},
		options,
	);
	return withManifest(bytes, files);
}

function withManifest(bytes: Buffer, files: readonly AgentFile[]): AgentBundle {
	const manifest = parseManifest(bytes, manifestName);
	const last: AgentFile = {
		name: manifestName,
		mode: 0o644,
		sizeBytes: bytes.length,
		digest: digestOf(bytes),
		content: {kind: 'bytes', bytes},
	};
	return {id: agentId(bytes), platform: manifest.platform, manifest, files: [...files, last]};
}

/** `dist/agent`, seen from `dist/lib`. */
const ownScripts: string = fileURLToPath(new URL('../../../../agent', import.meta.url));

interface Scripts {
	/** Of the package that they are part of. */
	readonly version: string;
	readonly scripts: readonly {readonly name: string; readonly bytes: Buffer}[];
}

async function readScripts(folder: string): Promise<Scripts> {
	const entries = (await ifExists(() => readdir(folder, {withFileTypes: true}))) ?? [];
	const names = entries.filter(entry => entry.isFile() && isFileName(entry.name)).map(entry => entry.name);
	if (!names.includes('agent.js') || !names.includes('package.json')) {
		throw new SealError('ERR_AGENT_BUNDLE', `There is no script of the agent in ${folder}`, {
			hint: 'Install sealimage anew; in a working copy run "npm run build".',
		});
	}
	const scripts = await Promise.all(names.map(async name => ({name, bytes: await readFile(join(folder, name))})));
	const about = scripts.find(({name}) => name === 'package.json');
	return {version: (JSON.parse(String(about?.bytes)) as {version: string}).version, scripts};
}
