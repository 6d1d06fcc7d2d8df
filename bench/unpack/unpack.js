import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {join} from 'node:path';
import {openHostContent, partBytes} from '../../dist/lib/index.js';
import {readImage} from './layout.js';

// node unpack.js LAYOUT TARGET [send]: brings the blobs of a layout to a host's content, or unpacks them there.
const [layout, target, what] = process.argv.slice(2);
const content = openHostContent(target);
const image = readImage(layout);
if (what === 'send') for (const layer of image.layers) await send(layer);
else await content.unpack(image);

async function send({blob, sizeBytes, mediaType}) {
	const path = join(layout, 'blobs/sha256', blob.slice(7));
	const read = index => createReadStream(path, {start: index * partBytes, end: (index + 1) * partBytes - 1});
	const parts = [];
	for (let at = 0; at < sizeBytes; at += partBytes) {
		const hash = createHash('sha256');
		for await (const chunk of read(parts.length)) hash.update(chunk);
		const digest = `sha256:${hash.digest('hex')}`;
		parts.push({blob, index: parts.length, sizeBytes: Math.min(partBytes, sizeBytes - at), digest});
	}
	for (const part of parts) await content.writePart({blob, sizeBytes, mediaType, parts}, part, read(part.index));
}
