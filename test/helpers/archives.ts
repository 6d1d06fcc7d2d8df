import {execFileSync} from 'node:child_process';
import {createWriteStream, mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {digestOf} from '../../lib/oci/digest.js';
import {packTar, type TarInput} from '../../lib/oci/tar/write.js';

/** A member of an archive: text or bytes, or a link. */
export type Member = string | Uint8Array | {readonly symlink: string} | {readonly hardlink: string};

/** Writes a tar with these members, in their order. */
export async function writeTar(path: string, members: Readonly<Record<string, Member>>): Promise<string> {
	mkdirSync(dirname(path), {recursive: true});
	const inputs = Object.entries(members).map(([name, member]): TarInput => inputOf(name, member));
	await pipeline(Readable.from(packTar(inputs)), createWriteStream(path));
	return path;
}

function inputOf(path: string, member: Member): TarInput {
	const header = {path, mode: 0o644, uid: 0, gid: 0, mtime: 0};
	if (typeof member === 'object' && 'symlink' in member) {
		return {header: {...header, type: 'symlink', size: 0, linkname: member.symlink}};
	}
	if (typeof member === 'object' && 'hardlink' in member) {
		return {header: {...header, type: 'hardlink', size: 0, linkname: member.hardlink}};
	}
	const bytes = Buffer.from(member);
	return {header: {...header, type: 'file', size: bytes.length}, content: bytes};
}

/** The members of a docker archive of one image, as `docker save` of many years wrote them. */
export function dockerMembers(
	tags: readonly string[] | null,
	layers: readonly string[],
	change: {readonly config?: object; readonly manifest?: object} = {},
): Record<string, Member> {
	const config = JSON.stringify({
		os: 'linux',
		architecture: 'amd64',
		created: '2020-01-01T00:00:00Z',
		rootfs: {type: 'layers', diff_ids: layers.map(layer => digestOf(layer))},
		...change.config,
	});
	const name = `${digestOf(config).slice(7)}.json`;
	const files = Object.fromEntries(layers.map((layer, i) => [`layer${i}/layer.tar`, layer]));
	const manifest = [{Config: name, RepoTags: tags, Layers: Object.keys(files), ...change.manifest}];
	return {[name]: config, ...files, 'manifest.json': JSON.stringify(manifest)};
}

/** Writes files and packs them with the system's tar, which writes another dialect than we do. */
export function systemTar(dir: string, path: string, files: Readonly<Record<string, string>>): string {
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(dirname(join(dir, name)), {recursive: true});
		writeFileSync(join(dir, name), text);
	}
	execFileSync('tar', ['-C', dir, '-cf', path, '.']);
	return path;
}
