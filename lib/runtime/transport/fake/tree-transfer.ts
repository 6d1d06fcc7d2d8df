import {collect} from '../../../core/bytes.js';
import type {EntryHeader} from '../../../oci/entry.js';
import {readTar} from '../../../oci/tar/read.js';
import {packTar, type TarInput} from '../../../oci/tar/write.js';
import type {FakeReply} from './answer.js';
import {type FakeNode, parentOf, sha256} from './files.js';
import type {FakeHost} from './host.js';
import {dfLine, gather, type TakeInput} from './input.js';
import type {FakeProgram} from './process.js';

/** The words of tree-script.ts. */
export async function runTreeStep(
	host: FakeHost,
	words: readonly string[],
	program: FakeProgram,
	takeInput: TakeInput,
): Promise<FakeReply> {
	const [step, given = '', id, owner = '', replace, parents, resume] = words;
	const {files} = host;
	const path = given.replace(/\/+$/, '') || '/';
	const there = files.node(path);
	const isMerged = replace === '-' && there?.type === 'folder';
	const part = `${isMerged ? path : parentOf(path)}/.sealimage-part-${id}`;
	if (step === 'discard') {
		files.remove(part);
		return {};
	}
	if (replace === '-' && there !== undefined && there.type !== 'folder') return fail(`${path}: Not a directory`);
	if (parents === '-' && files.node(parentOf(path))?.type !== 'folder')
		return fail(`${path}: No such file or directory`);
	if (files.readOnly) return fail(`${path}: Read-only file system`);
	switch (step) {
		case 'list':
			return {
				stdout: `free ${dfLine(host)}\n${list(host, 'part', part)}${await listHere(host, path, isMerged, takeInput)}`,
			};
		case 'check':
			return check(host, path, owner, (await gather(takeInput())).toString().split('\n'));
		case 'receive':
			if (resume !== 'resume') files.remove(part);
			return await receive(host, part, program, takeInput);
		default:
			return commit(host, {part, path, owner, isMerged}, (await gather(takeInput())).toString());
	}
}

/** A folder as `tar -cf - -C PATH .` writes it. */
export async function readFolder(host: FakeHost, path: string): Promise<FakeReply> {
	const top = host.files.node(path);
	if (top?.type !== 'folder')
		return fail(`${path}: ${top === undefined ? 'No such file or directory' : 'Not a directory'}`);
	const root = path.replace(/\/+$/, '');
	// Names that share their content are one file, as after a hard link came.
	const first = new Map<Buffer, string>();
	const entries = host.files.below(path).map(name => {
		const node = host.files.node(name) as FakeNode;
		const relative = name.slice(root.length + 1);
		const other = first.get(node.content);
		if (node.type === 'file' && other === undefined) first.set(node.content, relative);
		return entryOf(relative, node, other);
	});
	const stdout = await collect(packTar(entries), Number.MAX_SAFE_INTEGER);
	return {stdout, stderr: 'sealimage status 0\n'};
}

function fail(text: string): FakeReply {
	return {code: 1, stderr: `${text}\n`};
}

function list(host: FakeHost, word: string, folder: string, names?: ReadonlySet<string>): string {
	let lines = '';
	for (const path of host.files.below(folder)) {
		const node = host.files.node(path) as FakeNode;
		const name = path.slice(folder.length + 1);
		if (names?.has(name) === false) continue;
		if (node.type !== 'file') {
			if (names === undefined) lines += `name ./${name}\n`;
			continue;
		}
		lines += `${word} ${node.content.length} ${node.mtime} ${node.mode.toString(8)} ./${name}\n`;
	}
	return lines;
}

async function listHere(host: FakeHost, path: string, isMerged: boolean, takeInput: TakeInput): Promise<string> {
	const names = (await gather(takeInput())).toString().split('\0');
	return isMerged ? list(host, 'here', path, new Set(names.map(name => name.slice('./'.length)))) : '';
}

function check(host: FakeHost, folder: string, owner: string, lines: readonly string[]): FakeReply {
	const right = findRight(host, folder, lines);
	for (const path of owner === '' ? [] : right)
		host.files.setNode(path, {...(host.files.node(path) as FakeNode), owner});
	return {stdout: `${right.length}\n`};
}

/** The files whose digests are as sha256sum wrote them. */
function findRight(host: FakeHost, folder: string, lines: readonly string[]): readonly string[] {
	return lines.flatMap(line => {
		const [, mark, hex, written = ''] = /^(\\?)([0-9a-f]{64}) {2}\.\/(.*)$/.exec(line) ?? [];
		const name = mark === '' ? written : written.replaceAll(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter));
		const path = `${folder}/${name}`;
		const content = hex === undefined ? undefined : host.files.read(path);
		return content !== undefined && sha256(content) === hex ? [path] : [];
	});
}

async function receive(host: FakeHost, part: string, program: FakeProgram, takeInput: TakeInput): Promise<FakeReply> {
	const {files} = host;
	files.makeFolder(part);
	try {
		for await (const {header, content} of readTar(takeInput())) {
			const bytes = await collect(content, Number.MAX_SAFE_INTEGER);
			const path = header.path === '' ? part : `${part}/${header.path}`;
			files.setNode(path, nodeOf(header, bytes, files.node(`${part}/${header.linkname ?? ''}`)));
		}
	} catch (error) {
		return program.ended.aborted ? {lost: true} : fail(`tar: ${String(error)}`);
	}
	const size = files.below(part).reduce((sum, path) => sum + (files.read(path)?.length ?? 0), 0);
	if (size <= files.freeBytes) return {};
	files.remove(part);
	return fail('tar: write error: No space left on device');
}

interface Commit {
	readonly part: string;
	readonly path: string;
	readonly owner: string;
	readonly isMerged: boolean;
}

function commit(host: FakeHost, {part, path, owner, isMerged}: Commit, input: string): FakeReply {
	const {files} = host;
	const [count, ...lines] = input.split('\n');
	if (findRight(host, part, lines).length !== Number(count)) {
		files.remove(part);
		return {stdout: 'differs\n'};
	}
	for (const name of files.below(part)) {
		const node = files.node(name) as FakeNode;
		files.freeBytes -= node.content.length;
		files.setNode(name, owner === '' ? node : {...node, owner});
	}
	if (!isMerged) files.move(part, path);
	else {
		for (const name of files.below(part)) {
			const target = `${path}${name.slice(part.length)}`;
			const node = files.node(name) as FakeNode;
			if (node.type === 'folder') files.makeFolder(target);
			else files.setNode(target, node);
		}
		files.remove(part);
	}
	return {stdout: 'done\n'};
}

function nodeOf(header: EntryHeader, content: Buffer, first: FakeNode | undefined): FakeNode {
	if (header.type === 'hardlink' && first !== undefined) return first;
	const type = header.type === 'directory' ? 'folder' : header.type === 'symlink' ? 'link' : 'file';
	const {mode, mtime, linkname = ''} = header;
	return {type, content, mode, mtime, owner: 'root:root', target: linkname};
}

function entryOf(path: string, node: FakeNode, first: string | undefined): TarInput {
	const linkname = first ?? (node.type === 'link' ? node.target : undefined);
	const type =
		first !== undefined ? 'hardlink' : node.type === 'folder' ? 'directory' : node.type === 'link' ? 'symlink' : 'file';
	const size = type === 'file' ? node.content.length : 0;
	const header: EntryHeader = {
		path,
		type,
		mode: node.mode,
		uid: 0,
		gid: 0,
		size,
		mtime: node.mtime,
		...(linkname === undefined ? {} : {linkname}),
	};
	return size === 0 ? {header} : {header, content: node.content};
}
