import {createHash} from 'node:crypto';
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
function noise(sizeBytes: number, seed: string): Buffer {
	const blocks: Buffer[] = [];
	for (let i = 0; i * 32 < sizeBytes; i++) blocks.push(createHash('sha256').update(`${seed} ${i}`).digest());
	return Buffer.concat(blocks).subarray(0, sizeBytes);
}
