import {blockBytes} from '../upload-script.js';
import type {FakeReply} from './answer.js';
import {type FakeNode, parentOf, sha256} from './files.js';
import type {FakeCall, FakeHost} from './host.js';
import {dfLine, gather, type TakeInput} from './input.js';
import type {FakeProgram} from './process.js';
import {readFolder, runTreeStep} from './tree-transfer.js';

/**
 * Plays the scripts of uploadFile, downloadFile, uploadTree and downloadTree on the files in memory, unfinished files included;
 * undefined for any other command.
 */
export async function runTransfer(
	host: FakeHost,
	call: FakeCall,
	program: FakeProgram,
	takeInput: TakeInput,
): Promise<FakeReply | undefined> {
	const [shell, flag, , label, ...words] = call.argv;
	if (shell !== '/bin/sh' || flag !== '-c') return undefined;
	switch (label) {
		case 'sealimage-upload':
			return await upload(host, words, program, takeInput);
		case 'sealimage-download':
			return download(host, words);
		case 'sealimage-tree':
			return await runTreeStep(host, words, program, takeInput);
		case 'sealimage-download-tree':
			return await readFolder(host, words[0] ?? '');
		default:
			return undefined;
	}
}

/** The words of upload-script.ts. */
async function upload(
	host: FakeHost,
	words: readonly string[],
	program: FakeProgram,
	takeInput: TakeInput,
): Promise<FakeReply> {
	const [step, given = '', name = '', id, size, digest, mode = '644', owner = '', parents, offset] = words;
	const {files} = host;
	let path = given;
	if (files.node(path)?.type === 'folder') {
		path = `${path.replace(/\/$/, '')}/${name}`;
		if (name === '' || files.node(path)?.type === 'folder') return {code: 1, stderr: `${path}: Is a directory\n`};
	}
	const folder = parentOf(path);
	const part = `${folder}/.sealimage-part-${id}`;
	if (step === 'discard') {
		files.remove(part);
		return {};
	}
	if (parents === '-' && files.node(folder)?.type !== 'folder')
		return {code: 1, stderr: `${path}: No such file or directory\n`};
	if (host.files.readOnly) return {code: 1, stderr: `${path}: Read-only file system\n`};
	const adorn = (node: FakeNode): FakeNode => ({
		...node,
		mode: Number.parseInt(mode, 8),
		owner: owner === '' ? node.owner : owner,
	});
	const found = files.node(path);
	const isSame = found?.type === 'file' && found.content.length === Number(size) && sha256(found.content) === digest;
	if (isSame && (step === 'probe' || Number(size) <= oneTripBytes)) {
		if (step === 'receive') await gather(takeInput());
		files.setNode(path, adorn(found));
		return {stdout: 'same\n'};
	}
	if (step === 'probe') return {stdout: `free ${dfLine(host)}\n${blocksOf(files.read(part) ?? Buffer.alloc(0))}`};
	const kept = (files.read(part) ?? Buffer.alloc(0)).subarray(0, Number(offset));
	const content = Buffer.concat([kept, await gather(takeInput())]);
	if (content.length > host.files.freeBytes) {
		files.remove(part);
		return {code: 1, stderr: 'cat: write error: No space left on device\n'};
	}
	files.set(part, {content, mode: 0o600});
	if (program.ended.aborted) return {lost: true};
	if (content.length < Number(size)) return {stdout: 'short\n'};
	files.remove(part);
	if (sha256(content) !== digest) return {stdout: 'differs\n'};
	files.set(path, {content});
	files.setNode(path, adorn(files.node(path) as FakeNode));
	files.freeBytes -= content.length;
	return {stdout: 'done\n'};
}

/** As in upload-script.ts. */
const oneTripBytes = 1024 * 1024;

function blocksOf(content: Buffer): string {
	let lines = '';
	for (let at = 0; at + blockBytes <= content.length; at += blockBytes) {
		lines += `block ${sha256(content.subarray(at, at + blockBytes))}\n`;
	}
	return lines;
}

function download(host: FakeHost, [path = '', offset]: readonly string[]): FakeReply {
	const node = host.files.node(path);
	if (node === undefined) return {code: 1, stderr: `${path}: No such file or directory\n`};
	if (node.type !== 'file') return {code: 1, stderr: `${path}: Is a directory\n`};
	const size = node.content.length;
	const from = Number(offset) <= size ? Number(offset) : 0;
	return {
		stdout: node.content.subarray(from),
		stderr: `sealimage size ${size} from ${from} mode ${node.mode.toString(8)}\nsealimage digest ${sha256(node.content)}  -\n`,
	};
}
