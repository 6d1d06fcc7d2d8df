import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';
import test from 'ava';
import {errorCodes} from '../lib/core/codes.js';

const sources = tracked('lib/**/*.ts', 'bin/**/*.ts');
const tests = tracked('test/**/*.ts');
const text = new Map([...sources, ...tests].map(file => [file, readFileSync(file, 'utf8')]));

/** What each folder may import besides itself. */
const arrows: Readonly<Record<string, readonly string[]>> = {
	'lib/core': [],
	'lib/oci': ['lib/core'],
	'lib/registry': ['lib/core', 'lib/oci'],
	'lib/sealfile': ['lib/core', 'lib/oci'],
	'lib/lb': ['lib/core'],
	'lib/runtime': ['lib/core', 'lib/oci', 'lib/registry', 'lib/lb'],
	lib: ['lib/core', 'lib/lb', 'lib/oci', 'lib/registry', 'lib/runtime', 'lib/sealfile'],
	bin: ['lib', 'lib/core', 'lib/lb', 'lib/oci', 'lib/registry', 'lib/runtime', 'lib/sealfile'],
};

/** The one file that may import each third-party package. */
const adapters: Readonly<Record<string, string>> = {
	bcryptjs: 'lib/registry/server/access/bcrypt/bcrypt-worker.ts',
	koffi: 'lib/core/foreign.ts',
	'js-yaml': 'lib/core/yaml.ts',
	'smol-toml': 'lib/core/toml.ts',
	undici: 'lib/core/http.ts',
	fflate: 'lib/oci/compress/fflate.ts',
	'dockerfile-ast': 'lib/sealfile/lint/tolerant.ts',
	ssh2: 'lib/runtime/transport/ssh/ssh2.ts',
	'tar-fs': 'lib/runtime/transport/tar-fs.ts',
	'node-pty': 'lib/runtime/transport/local/terminal.ts',
};

test('imports point one way', t => {
	const wrong = sources.flatMap(file =>
		importsOf(file)
			.filter(name => name.startsWith('.'))
			.map(name => roomOf(normalize(join(dirname(file), name))))
			.filter(target => target !== roomOf(file) && !(arrows[roomOf(file)] ?? []).includes(target))
			.map(target => `${file} imports ${target}`),
	);
	t.deepEqual(wrong, []);
});

test('each third-party package is imported in its one adapter file', t => {
	const wrong = sources.flatMap(file =>
		importsOf(file)
			.filter(name => !name.startsWith('.') && !name.startsWith('node:'))
			.filter(name => adapters[packageOf(name)] !== file)
			.map(name => `${file} imports ${name}`),
	);
	t.deepEqual(wrong, []);
});

test('every declared dependency has an adapter', t => {
	const {dependencies, optionalDependencies} = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
		string,
		object
	>;
	t.deepEqual(Object.keys({...dependencies, ...optionalDependencies}).toSorted(), Object.keys(adapters).toSorted());
});

test('files stay short enough to read', t => {
	const long = sources.filter(file => lines(file) > 500).map(file => `${file}: ${lines(file)} lines`);
	t.deepEqual(long, []);
});

test('nothing is left unfinished, focused or silenced', t => {
	const marks = /\bTODO\b|\bFIXME\b|\bXXX\b|@ts-(?:ignore|expect-error|nocheck)|\btest\.(?:only|skip|todo|failing)\b/;
	const self = 'test/tidy.test.ts';
	t.deepEqual(
		[...text].filter(([file, body]) => file !== self && marks.test(body)).map(([file]) => file),
		[],
	);
});

test('lib reads no environment, working directory or home, and does not print or exit', t => {
	const world = /process\.(?:env|cwd|exit|stdout|stderr)\b|console\.|\bhomedir\(/;
	t.deepEqual(
		sources.filter(file => file.startsWith('lib/') && world.test(text.get(file) ?? '')),
		[],
	);
});

test('the repository names no place outside itself', t => {
	const all = tracked('.').filter(
		file => file !== 'test/tidy.test.ts' && /\.(?:ts|js|md|json|sh|yaml)$|^\.ci\//.test(file),
	);
	const outside = /\.\.\/shared\/|\/work\/|\/tmp\/wt/;
	t.deepEqual(
		all.filter(file => outside.test(readFileSync(file, 'utf8'))),
		[],
	);
});

test('every error code is raised by the library and seen by a test', t => {
	const raised = sources
		.filter(file => file !== 'lib/core/codes.ts')
		.map(file => text.get(file))
		.join('\n');
	const seen = tests
		.filter(file => file !== 'test/tidy.test.ts')
		.map(file => text.get(file))
		.join('\n');
	const codes = Object.keys(errorCodes);
	t.deepEqual(
		codes.filter(code => !raised.includes(`'${code}'`)),
		[],
		'never raised',
	);
	t.deepEqual(
		codes.filter(code => !new RegExp(`\\b${code}\\b`).test(seen)),
		[],
		'never seen by a test',
	);
});

function tracked(...patterns: string[]): string[] {
	const pathspecs = patterns.map(pattern => (pattern.includes('*') ? `:(glob)${pattern}` : pattern));
	return execFileSync('git', ['ls-files', '--', ...pathspecs], {encoding: 'utf8'})
		.split('\n')
		.filter(Boolean);
}

function importsOf(file: string): string[] {
	const found = (text.get(file) ?? '').matchAll(
		/^(?:import|export)\b[^;]*?from '([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm,
	);
	return [...found].map(match => match[1] ?? match[2] ?? match[3] ?? '');
}

function packageOf(name: string): string {
	return name
		.split('/')
		.slice(0, name.startsWith('@') ? 2 : 1)
		.join('/');
}

function roomOf(file: string): string {
	const parts = file.split('/');
	return parts[0] === 'bin' ? 'bin' : parts.length > 2 ? `${parts[0]}/${parts[1]}` : 'lib';
}

function lines(file: string): number {
	return (text.get(file) ?? '').split('\n').length;
}
