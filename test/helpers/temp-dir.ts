import {mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';

/** A fresh folder that is removed after the test. */
export function tempDir(t: ExecutionContext): string {
	const dir = realpathSync(mkdtempSync(join(tmpdir(), 'sealimage-test-')));
	t.teardown(() => rmSync(dir, {recursive: true, force: true}));
	return dir;
}

/** Files by path; a path that ends with a slash is a folder, a value `-> x` a link to x. */
export type FileTree = Readonly<Record<string, string>>;

/** Writes a tree of files into a folder. */
export function writeFiles(dir: string, files: FileTree): void {
	for (const [path, text] of Object.entries(files)) {
		const target = join(dir, path);
		mkdirSync(path.endsWith('/') ? target : dirname(target), {recursive: true});
		if (text.startsWith('-> ')) symlinkSync(text.slice(3), target);
		else if (!path.endsWith('/')) writeFileSync(target, text);
	}
}
