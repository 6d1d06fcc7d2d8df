import {createHash} from 'node:crypto';

/** What a fake host is told to have at a path: the content of a file, or more about it. */
export type FakeFile =
	| string
	| Uint8Array
	| {readonly content: string | Uint8Array; readonly mode?: number; readonly owner?: string}
	| {readonly folder: true; readonly mode?: number; readonly owner?: string}
	| {readonly link: string};

/** A name on a fake host. */
export interface FakeNode {
	readonly type: 'file' | 'folder' | 'link';
	readonly content: Buffer;
	readonly mode: number;
	readonly owner: string;
	/** Whole seconds. */
	readonly mtime: number;
	/** Of a link: where it leads. */
	readonly target: string;
}

/** The files of a fake host, in memory. Paths are absolute; folders above a file are made with it. */
export class FakeFiles {
	/** Bytes that still fit; what does not fails as on a full disk. */
	freeBytes = Number.POSITIVE_INFINITY;
	/** Writing fails as on a file system that is mounted read-only. */
	readOnly = false;
	readonly #nodes = new Map<string, FakeNode>();

	constructor(files: Readonly<Record<string, FakeFile>> = {}) {
		this.#nodes.set('/', folderNode());
		for (const [path, file] of Object.entries(files)) this.set(path, file);
	}

	/** The content of a file, or undefined when there is none. */
	read(path: string): Buffer | undefined {
		const node = this.node(path);
		return node?.type === 'file' ? node.content : undefined;
	}

	/** As `read`, as text. */
	readText(path: string): string | undefined {
		return this.read(path)?.toString();
	}

	/** What is at a path; links are not followed. */
	node(path: string): FakeNode | undefined {
		return this.#nodes.get(normalize(path));
	}

	/** Puts something at a path, in place of what was there. */
	set(path: string, file: FakeFile): void {
		this.setNode(path, nodeOf(file));
	}

	setNode(path: string, node: FakeNode): void {
		const at = normalize(path);
		this.makeFolder(parentOf(at));
		this.#nodes.set(at, node);
	}

	makeFolder(path: string): void {
		const at = normalize(path);
		if (this.#nodes.has(at)) return;
		this.makeFolder(parentOf(at));
		this.#nodes.set(at, folderNode());
	}

	/** Removes a file, or a folder and all below it. False when there was nothing. */
	remove(path: string): boolean {
		const at = normalize(path);
		for (const below of this.below(at)) this.#nodes.delete(below);
		return this.#nodes.delete(at);
	}

	/** Moves a file, or a folder and all below it, over what is at the other path. */
	move(from: string, to: string): void {
		const source = normalize(from);
		const target = normalize(to);
		this.remove(target);
		for (const path of [source, ...this.below(source)]) {
			const node = this.#nodes.get(path);
			this.#nodes.delete(path);
			if (node !== undefined) this.setNode(`${target}${path.slice(source.length)}`, node);
		}
	}

	/** All paths below a folder, sorted. */
	below(path: string): string[] {
		const prefix = normalize(path) === '/' ? '/' : `${normalize(path)}/`;
		return [...this.#nodes.keys()].filter(name => name.startsWith(prefix) && name !== '/').toSorted();
	}

	/** All files, sorted. */
	list(): string[] {
		return this.below('/').filter(path => this.#nodes.get(path)?.type === 'file');
	}
}

export function sha256(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}

export function parentOf(path: string): string {
	return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Relative paths count from root's home, as commands do. */
function normalize(path: string): string {
	const parts: string[] = [];
	for (const part of (path.startsWith('/') ? path : `/root/${path}`).split('/')) {
		if (part === '..') parts.pop();
		else if (part !== '' && part !== '.') parts.push(part);
	}
	return `/${parts.join('/')}`;
}

function nodeOf(file: FakeFile): FakeNode {
	if (typeof file === 'string' || file instanceof Uint8Array) return nodeOf({content: file});
	if ('link' in file) return {...folderNode(), type: 'link', mode: 0o777, target: file.link};
	const {mode, owner = 'root:root'} = file;
	if ('folder' in file) return {...folderNode(), mode: mode ?? 0o755, owner};
	return {...folderNode(), type: 'file', content: Buffer.from(file.content), mode: mode ?? 0o644, owner};
}

function folderNode(): FakeNode {
	return {type: 'folder', content: Buffer.alloc(0), mode: 0o755, owner: 'root:root', mtime: 0, target: ''};
}
