import {createCipheriv, createHash} from 'node:crypto';
import {file, folder} from './entries.js';
import {embedded, type TestLayer, testLayer} from './host-content.js';

/** The layers of one of three images that share their base and their tag: a program, many small files, container images. */
export async function workerLayers(number: number): Promise<readonly TestLayer[]> {
	const small = Array.from({length: 200}, (_, i) => file(`etc/${number}-${i}`, `${number} ${i}`));
	return [
		await testLayer([folder('bin'), file('bin/tool', noise(600_000, 'base'))], {algorithm: 'gzip', level: 1}),
		await testLayer([folder('etc'), ...small], {algorithm: 'gzip', level: 1}),
		await testLayer(embedded('registry.k8s.io/shared', 'v1', noise(200_000, `image ${number}`).toString('base64'))),
	];
}

/** Bytes that do not compress, the same every time. */
export function noise(sizeBytes: number, seed: string): Buffer {
	const key = createHash('sha256').update(seed).digest();
	return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
