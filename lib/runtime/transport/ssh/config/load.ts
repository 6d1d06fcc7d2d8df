import {readdir, readFile, stat} from 'node:fs/promises';
import {dirname, isAbsolute, join, resolve} from 'node:path';
import {SealError} from '../../../../core/errors.js';
import {ifExists, withIo} from '../../../../core/io-error.js';
import {type ConfigLine, configError, parseConfig} from './parse.js';
import {matchesPattern} from './patterns.js';

/** The lines of each file, the first of which count most. */
export type LoadedConfig = readonly (readonly ConfigLine[])[];

/**
 * Reads configuration files of OpenSSH with all they include. Files that do not exist count as empty.
 * @throws SealError ERR_SSH_CONFIG; ERR_IO, ERR_PERMISSION
 */
export async function loadConfig(files: readonly string[], home: string): Promise<LoadedConfig> {
	const budget = {files: 256};
	const loaded: (readonly ConfigLine[])[] = [];
	for (const file of files) loaded.push(await loadFile(file, home, 0, budget));
	return loaded;
}

async function loadFile(file: string, home: string, depth: number, budget: {files: number}): Promise<ConfigLine[]> {
	const text = await withIo('read', file, () => ifExists(() => readLimited(file)));
	if (text === undefined) return [];
	const lines = parseConfig(text, file);
	const loaded: ConfigLine[] = [];
	for (const line of lines) {
		if (line.keyword !== 'include') {
			loaded.push(line);
			continue;
		}
		if (depth >= 16) throw configError(line, 'Files include each other too deeply', 'Take the circle out.');
		const base = file.startsWith('/etc/') ? dirname(file) : join(home, '.ssh');
		const found = (await Promise.all(line.args.map(pattern => findFiles(pattern, base, home)))).flat();
		budget.files -= found.length;
		if (budget.files < 0) throw configError(line, 'Too many files are included', 'Include fewer.');
		const included: (readonly ConfigLine[])[] = [];
		for (const path of found) included.push(await loadFile(path, home, depth + 1, budget));
		loaded.push({...line, included});
	}
	return loaded;
}

async function readLimited(file: string): Promise<string> {
	if ((await stat(file)).size > 1024 * 1024) {
		throw new SealError('ERR_SSH_CONFIG', `${file} is longer than a configuration of SSH can be`, {
			hint: 'Check that it is the right file.',
		});
	}
	return await readFile(file, 'utf8');
}

/** The files that a path with wildcards names, in the order of their names. */
async function findFiles(pattern: string, base: string, home: string): Promise<readonly string[]> {
	const path = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern;
	const parts = (isAbsolute(path) ? path : resolve(base, path)).split('/').filter(Boolean);
	let folders = ['/'];
	for (const part of parts) {
		if (!/[*?]/.test(part)) {
			folders = folders.map(folder => join(folder, part));
			continue;
		}
		const names = await Promise.all(
			folders.map(async folder => {
				const entries = await readdir(folder).catch(() => []);
				return entries
					.filter(name => matchesPattern(name, part) && (part.startsWith('.') || !name.startsWith('.')))
					.toSorted()
					.map(name => join(folder, name));
			}),
		);
		folders = names.flat();
	}
	return folders;
}
