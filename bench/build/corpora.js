import {createCipheriv, createHash} from 'node:crypto';
import {
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readSync,
	statSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import {dirname, join} from 'node:path';

/**
 * The inputs of the build benchmark. They are made, not shipped: the same seed and the same machine give the same bytes.
 * `all` is one context that holds the three others, so nothing is stored twice.
 */
export const corpora = {
	registry: {title: 'registry blobs', folder: 'all/registry', make: makeRegistry},
	binaries: {title: 'Go binaries', folder: 'all/bin', make: makeBinaries},
	small: {title: '20,000 small files', folder: 'all/charts', make: makeSmallFiles},
	all: {title: 'all together', folder: 'all', make: () => {}},
};

/** Makes what is missing below `root`. `scale` 1 is the real size: 1.5 GB, 600 MB and 20,000 files. */
export function makeCorpora(root, scale) {
	for (const [name, {folder, make}] of Object.entries(corpora)) {
		// Beside the corpora, not in them: a mark in a folder would become part of its context.
		const mark = join(root, `${name}-${scale}.done`);
		if (existsSync(mark)) continue;
		mkdirSync(join(root, folder), {recursive: true});
		make(join(root, folder), scale);
		writeFileSync(mark, '');
	}
}

const fixedTime = 1_600_000_000;

/** Files of 1 to 60 MB that no compressor makes smaller, at the paths of the stock registry layout. */
function makeRegistry(target, scale) {
	const random = generator(1);
	const totalBytes = 1.5e9 * scale;
	for (let made = 0; made < totalBytes; ) {
		const size = Math.max(1, Math.round((1e6 + random() * 59e6) * Math.min(1, scale * 10)));
		const noise = noiseOf(made, size);
		const hex = createHash('sha256').update(noise).digest('hex');
		write(join(target, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'), noise);
		const repository = `app-${Math.floor(random() * 20)}`;
		write(join(target, 'docker/registry/v2/repositories', repository, '_layers/sha256', hex, 'link'), `sha256:${hex}`);
		made += size;
	}
}

/** Real Go and C++ programs of this machine, cut into pieces of 1 MiB and dealt anew into files of 50 MB. */
function makeBinaries(target, scale) {
	const pool = ['buildah', 'podman', 'skopeo', 'containerd', 'docker-registry', 'ctr', 'umoci']
		.map(name => join('/usr/bin', name))
		.filter(existsSync);
	const sources = [...pool, process.execPath].map(path => ({path, pieces: Math.floor(statSync(path).size / 2 ** 20)}));
	const random = generator(2);
	const fileBytes = Math.max(2 ** 20, 50 * 2 ** 20 * Math.min(1, scale * 10));
	const piece = Buffer.alloc(2 ** 20);
	for (let made = 0, index = 0; made < 600e6 * scale; index++) {
		const path = join(target, `program-${index}`);
		const output = openSync(path, 'w', 0o755);
		for (let size = 0; size < fileBytes; size += piece.length) {
			const source = sources[Math.floor(random() * sources.length)];
			const input = openSync(source.path, 'r');
			readSync(input, piece, 0, piece.length, Math.floor(random() * source.pieces) * 2 ** 20);
			closeSync(input);
			writeSync(output, piece);
			made += piece.length;
		}
		closeSync(output);
		utimesSync(path, fixedTime, fixedTime);
	}
}

const kinds = [
	'deployment',
	'service',
	'configmap',
	'ingress',
	'role',
	'rolebinding',
	'serviceaccount',
	'hpa',
	'pdb',
	'secret',
];

/** Charts of ten templates each: small texts that look alike, as charts do. */
function makeSmallFiles(target, scale) {
	const random = generator(3);
	const words = Array.from({length: 400}, () => Math.floor(random() * 2 ** 40).toString(36));
	const word = () => words[Math.floor(random() * words.length)];
	for (let i = 0; i < 20_000 * scale; i++) {
		const kind = kinds[i % kinds.length];
		const lines = [
			`apiVersion: v1`,
			`kind: ${kind}`,
			'metadata:',
			`  name: {{ .Release.Name }}-${word()}`,
			'  labels:',
		];
		for (let n = 5 + random() * 60; n > 0; n--) lines.push(`    app.example.com/${word()}: "${word()}-${word()}"`);
		write(join(target, `chart-${Math.floor(i / kinds.length)}`, 'templates', `${kind}.yaml`), `${lines.join('\n')}\n`);
	}
}

/** The keystream of AES: as random as a compressed file, and fast to make. */
function noiseOf(seed, size) {
	const key = createHash('sha256').update(`seed ${seed}`).digest();
	return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

function write(path, content) {
	mkdirSync(dirname(path), {recursive: true});
	writeFileSync(path, content, {mode: 0o644});
	utimesSync(path, fixedTime, fixedTime);
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function generator(seed) {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}
