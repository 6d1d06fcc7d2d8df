import {createHash} from 'node:crypto';
import {createReadStream, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {runQuietly} from '../measure.js';

/** The layers of a cluster image as other tools would make them too: what compresses with gzip, the registry plain. */
const parts = [
	{folder: 'bin', gzip: true},
	{folder: 'charts', gzip: true},
	{folder: 'registry', gzip: false},
];

/** Packs the inputs into an OCI layout with the image `bench`. */
export async function makeLayout(inputs, root) {
	const blobs = join(root, 'blobs/sha256');
	mkdirSync(blobs, {recursive: true});
	const layers = [];
	let plainBytes = 0;
	for (const {folder, gzip} of parts) {
		const tar = join(root, `${folder}.tar`);
		await runQuietly(['tar', '--owner=0', '--group=0', '-C', inputs, '-cf', tar, folder]);
		const diffId = await digestOf(tar);
		plainBytes += statSync(tar).size;
		if (gzip) await runQuietly(['gzip', '-4', '-n', tar]);
		const file = existsSync(tar) ? tar : `${tar}.gz`;
		const digest = await digestOf(file);
		const path = join(blobs, digest.slice(7));
		renameSync(file, path);
		layers.push({path, digest, diffId, size: statSync(path).size, gzip});
	}
	writeImage(root, blobs, layers);
	return {root, layers: layers.map(layer => layer.path), plainBytes};
}

function writeImage(root, blobs, layers) {
	const put = (mediaType, value) => {
		const bytes = Buffer.from(JSON.stringify(value));
		const hex = createHash('sha256').update(bytes).digest('hex');
		writeFileSync(join(blobs, hex), bytes);
		return {mediaType, digest: `sha256:${hex}`, size: bytes.length};
	};
	const oci = 'application/vnd.oci.image';
	const diffIds = layers.map(layer => layer.diffId);
	const rootfs = {type: 'layers', diff_ids: diffIds};
	const config = put(`${oci}.config.v1+json`, {architecture: 'amd64', os: 'linux', config: {}, rootfs});
	const manifest = put(`${oci}.manifest.v1+json`, {
		schemaVersion: 2,
		mediaType: `${oci}.manifest.v1+json`,
		config,
		layers: layers.map(({digest, size, gzip}) => ({
			mediaType: `${oci}.layer.v1.tar${gzip ? '+gzip' : ''}`,
			digest,
			size,
		})),
	});
	const annotations = {'org.opencontainers.image.ref.name': 'bench'};
	writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
	writeFileSync(join(root, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: [{...manifest, annotations}]}));
}

async function digestOf(path) {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path, {highWaterMark: 1 << 20})) hash.update(chunk);
	return `sha256:${hash.digest('hex')}`;
}

/** The image of a layout as `unpack` of a host's content wants it. */
export function readImage(root) {
	const read = digest => JSON.parse(readFileSync(join(root, 'blobs/sha256', digest.slice(7)), 'utf8'));
	const [{digest: manifest}] = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')).manifests;
	const {config, layers} = read(manifest);
	const diffIds = read(config.digest).rootfs.diff_ids;
	return {
		name: 'bench',
		manifest,
		layers: layers.map((layer, i) => ({
			blob: layer.digest,
			diffId: diffIds[i],
			mediaType: layer.mediaType,
			sizeBytes: layer.size,
		})),
	};
}
