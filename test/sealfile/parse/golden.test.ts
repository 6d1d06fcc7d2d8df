import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {Diagnostic} from '../../../lib/sealfile/diagnostic.js';
import {lintSealfile} from '../../../lib/sealfile/lint/lint.js';
import {parseSealfile} from '../../../lib/sealfile/parse/parse.js';

const golden = join(process.cwd(), 'test/sealfile/golden');
const update = process.env.UPDATE_GOLDEN === '1';

for (const name of readdirSync(golden).sort()) {
	test(`${name} has the tree and the diagnostics written down for it`, t => {
		const folder = join(golden, name);
		const tree = parseSealfile(readFileSync(join(folder, 'Sealfile')), {file: 'Sealfile'});
		const {directives, instructions} = tree;
		expectFile(t.is, join(folder, 'tree.json'), `${JSON.stringify({directives, instructions}, undefined, '\t')}\n`);
		expectFile(t.is, join(folder, 'diagnostics.txt'), lintSealfile(tree).map(format).join(''));
	});
}

function expectFile(is: (actual: string, expected: string) => unknown, path: string, text: string): void {
	if (update) writeFileSync(path, text);
	is(text, readFileSync(path, 'utf8'));
}

function format({file, range, severity, code, message, hint, lineText}: Diagnostic): string {
	const caret = `${' '.repeat(range.startColumn - 1)}^`;
	const lines = [`${file}:${range.startLine}:${range.startColumn}: ${severity} ${code}: ${message}`, lineText, caret];
	return `${[...lines, ...(hint === undefined ? [] : [`hint: ${hint}`])].join('\n')}\n\n`;
}
