import {randomBytes} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {compressionFor} from '../../../lib/sealfile/build/layer-compression.js';
import {tempDir} from '../../helpers/temp-dir.js';

const wanted = {algorithm: 'gzip', level: 4} as const;
const program = readFileSync(process.execPath).subarray(8 << 20, 10 << 20);
const text = Buffer.from('apiVersion: v1\nkind: ConfigMap\n'.repeat(40_000));

function file(path: string, bytes: Uint8Array): LayerEntry {
	const header = {path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime: 0} as const;
	return {header, content: {kind: 'bytes', bytes}};
}

test('a layer of compressed data stays plain', t => {
	t.deepEqual(compressionFor([file('a', randomBytes(4 << 20)), file('link', Buffer.from('sha256:x'))], wanted), {
		algorithm: 'none',
	});
});

test('a layer with more to gain than a twentieth is compressed', t => {
	t.deepEqual(compressionFor([file('a', randomBytes(4 << 20)), file('b', text)], wanted), wanted);
});

test('a layer of programs takes a fast level, and text the full one', t => {
	t.deepEqual(compressionFor([file('node', program)], wanted), {algorithm: 'gzip', level: 2});
	t.deepEqual(compressionFor([file('a.yaml', text)], wanted), wanted);
	t.deepEqual(compressionFor([file('small', Buffer.from('x'))], wanted), wanted);
	t.deepEqual(compressionFor([], wanted), wanted);
});

test('programs keep a compression that is not gzip', t => {
	t.deepEqual(compressionFor([file('node', program)], {algorithm: 'zstd', level: 3}), {algorithm: 'zstd', level: 3});
});

test('files on disk are sampled where their content lies, and one that is gone is left to the writer', t => {
	const path = join(tempDir(t), 'f');
	writeFileSync(path, Buffer.concat([text, randomBytes(1 << 20)]));
	const header = {path: 'f', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1 << 20, mtime: 0} as const;
	t.deepEqual(compressionFor([{header, content: {kind: 'file', path, offset: text.length}}], wanted), {
		algorithm: 'none',
	});
	t.deepEqual(compressionFor([{header, content: {kind: 'file', path: `${path}x`}}], wanted), wanted);
});
