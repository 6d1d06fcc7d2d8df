import {createCipheriv, createHash} from 'node:crypto';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';

/** An image as an OCI layout: blobs of the given sizes that no compressor makes smaller. The same seed gives the same bytes. */
export function makeImage(layout, seed, sizes) {
	if (existsSync(join(layout, 'oci-layout'))) return;
	const blobs = join(layout, 'blobs/sha256');
	mkdirSync(blobs, {recursive: true});
	const put = bytes => {
		const hex = createHash('sha256').update(bytes).digest('hex');
		writeFileSync(join(blobs, hex), bytes);
		return {digest: `sha256:${hex}`, size: bytes.length};
	};
	// True gzip, as skopeo compresses what it finds uncompressed; stored blocks, as noise does not get smaller.
	const layers = sizes.map((size, index) => {
		const plain = noise(seed * 1000 + index, size);
		return {...put(gzipSync(plain, {level: 0})), diffID: `sha256:${createHash('sha256').update(plain).digest('hex')}`};
	});
	const config = {
		architecture: 'amd64',
		os: 'linux',
		config: {},
		rootfs: {type: 'layers', diff_ids: layers.map(layer => layer.diffID)},
	};
	const manifest = {
		schemaVersion: 2,
		mediaType: 'application/vnd.oci.image.manifest.v1+json',
		config: {mediaType: 'application/vnd.oci.image.config.v1+json', ...put(Buffer.from(JSON.stringify(config)))},
		layers: layers.map(({digest, size}) => ({mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size})),
	};
	const entry = {
		mediaType: manifest.mediaType,
		...put(Buffer.from(JSON.stringify(manifest))),
		annotations: {'org.opencontainers.image.ref.name': 'v1'},
	};
	writeFileSync(join(layout, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: [entry]}));
	writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

/** Sizes between 1 and 49 MB that add up to 25 MB a blob. */
export function mixedSizes(count, scale) {
	return Array.from({length: count}, (_, index) =>
		Math.round((1e6 + (48e6 * ((index * 7) % count)) / (count - 1)) * scale),
	);
}

/** Bytes of a key stream: as random as it gets, made at some GB/s. */
export function noise(seed, size) {
	const key = createHash('sha256').update(String(seed)).digest();
	return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
