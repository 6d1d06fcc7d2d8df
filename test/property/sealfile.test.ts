// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {groupStages} from '../../lib/sealfile/evaluate/stages.js';
import {lintSealfile} from '../../lib/sealfile/lint/lint.js';
import {parseSealfile} from '../../lib/sealfile/parse/parse.js';
import {printSealfile} from '../../lib/sealfile/parse/print.js';
import type {Instruction, SealfileTree} from '../../lib/sealfile/syntax.js';
import {expandWord, expandWords} from '../../lib/sealfile/words/words.js';

const golden = join(process.cwd(), 'test/sealfile/golden');
const seeds = readdirSync(golden).map(name => readFileSync(join(golden, name, 'Sealfile'), 'utf8'));

const parse = (text: string | Uint8Array): SealfileTree => parseSealfile(text, {file: 'Sealfile'});

/** Pieces that mean something to the parser, so that random text reaches more than its first branch. */
const token = fc.constantFrom(
	...['FROM', 'ARG', 'ENV', 'LABEL', 'COPY', 'ADD', 'RUN', 'CMD', 'ENTRYPOINT', 'SHELL', 'WORKDIR', 'USER', 'EXPOSE'],
	...[
		'VOLUME',
		'STOPSIGNAL',
		'HEALTHCHECK',
		'ONBUILD',
		'MAINTAINER',
		'from',
		'AS',
		'NONE',
		'scratch',
		'base',
		'--from=base',
	],
	...[
		'--chown=1',
		'--link',
		'--mount=type=cache,target=/x',
		'--',
		'--platform=$P',
		'<<EOF',
		'<<-"E F"',
		'EOF',
		'E F',
		'3<<A',
	],
	...[
		'\n',
		'\n',
		'\n',
		'\r\n',
		' ',
		' ',
		'\t',
		'\\',
		'`',
		'\\\n',
		'`\n',
		'#',
		'# escape=`\n',
		'# check=skip=all\n',
		'"',
		"'",
	],
	...[
		'[',
		']',
		'["a", "b"]',
		'[1]',
		'=',
		'a=b',
		'$x',
		'${x}',
		'${x:-y}',
		'${x//a/b}',
		'${',
		'}',
		':',
		'/',
		'*',
		'.',
		'a',
		'1',
	],
	...['\u00a0', '\ufeff', '\u2028', 'ä', '💥', '\0', '\v'],
);

const mutated = fc
	.tuple(
		fc.constantFrom(...seeds),
		fc.array(fc.tuple(fc.nat(), fc.nat(30), fc.oneof(token, fc.string())), {maxLength: 8}),
	)
	.map(([seed, edits]) =>
		edits.reduce((text, [at, remove, insert]) => {
			const start = at % (text.length + 1);
			return text.slice(0, start) + insert + text.slice(start + remove);
		}, seed),
	);

const anyText = fc.oneof(
	fc.array(token, {maxLength: 60}).map(tokens => tokens.join('')),
	fc.array(token, {maxLength: 60}).map(tokens => tokens.join(' ')),
	fc.string({unit: 'binary', maxLength: 300}),
	mutated,
);

test('the parser, the stages and the linter never throw, and every place lies in the file', t => {
	fc.assert(
		fc.property(anyText, text => {
			const tree = parse(text);
			groupStages(tree);
			const lines = tree.source.split('\n');
			const diagnostics = lintSealfile(tree, {experimental: ['all']});
			for (const {range} of [...diagnostics, ...tree.instructions]) {
				if (range.startLine < 1 || range.startLine > lines.length || range.startColumn < 1) return false;
				if (range.endLine < range.startLine) return false;
				if (range.startColumn > (lines[range.startLine - 1]?.length ?? 0) + 1) return false;
			}
			return true;
		}),
		{numRuns: 1500},
	);
	t.pass();
});

test('bytes that are no text are no reason to throw either', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 400}), bytes => {
			parse(bytes);
		}),
		{numRuns: 500},
	);
	t.pass();
});

test('printing a tree and parsing it gives the tree again, at other places', t => {
	fc.assert(
		fc.property(anyText, text => {
			const tree = parse(text.replaceAll('\0', ''));
			const printed = printSealfile(tree);
			const again = parse(printed);
			t.deepEqual(again.diagnostics, []);
			t.deepEqual(
				{d: again.directives, i: again.instructions.map(withoutPlaces)},
				{
					d: tree.directives,
					i: tree.instructions.map(withoutPlaces),
				},
			);
			t.is(printSealfile(again), printed);
		}),
		{numRuns: 1500},
	);
});

test('expansion never throws, and plain text comes through', t => {
	const word = fc.oneof(
		fc.string({unit: 'binary'}),
		fc.array(token, {maxLength: 20}).map(tokens => tokens.join('')),
	);
	fc.assert(
		fc.property(word, fc.dictionary(fc.constantFrom('x', 'a', 'EOF'), fc.string()), (text, values) => {
			const lookup = (name: string): string | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
			for (const escapeChar of ['\\', '`'] as const) {
				expandWord(text, lookup, {escape: escapeChar});
				expandWord(text, lookup, {escape: escapeChar, literalQuotes: true});
				const words = expandWords(text, lookup, {escape: escapeChar});
				if (words.ok && words.value.includes('')) return false;
			}
			const plain = text.replace(/[$'"\\]/g, '');
			const result = expandWord(plain, lookup);
			return result.ok && result.value === plain;
		}),
		{numRuns: 2000},
	);
	t.pass();
});

test('quoting any text in single quotes gives the text back', t => {
	fc.assert(
		fc.property(fc.string({unit: 'binary'}), text => {
			const plain = text.replaceAll("'", '');
			const result = expandWord(`'${plain}'`, () => undefined);
			return result.ok && result.value === plain;
		}),
	);
	t.pass();
});

test('a trimmed value is a part of the value, and trims agree with a plain search', t => {
	const part = fc.string({unit: fc.constantFrom('a', 'b', '/'), maxLength: 8});
	fc.assert(
		fc.property(part, fc.array(fc.constantFrom('a', 'b', '/', '*', '?'), {maxLength: 5}), (value, pattern) => {
			const glob = pattern.join('');
			const regex = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`);
			const prefixes = Array.from({length: value.length + 1}, (_, i) => i).filter(i => regex.test(value.slice(0, i)));
			const suffixes = Array.from({length: value.length + 1}, (_, i) => i).filter(i => regex.test(value.slice(i)));
			const expected: Readonly<Record<string, string>> = {
				'#': value.slice(prefixes[0] ?? 0),
				'##': value.slice(prefixes.at(-1) ?? 0),
				'%': value.slice(0, suffixes.at(-1) ?? value.length),
				'%%': value.slice(0, suffixes[0] ?? value.length),
			};
			for (const [modifier, text] of Object.entries(expected)) {
				const result = expandWord(`\${v${modifier}${glob}}`, name => (name === 'v' ? value : undefined));
				t.like(result, {ok: true, value: text}, `${value} ${modifier} ${glob}`);
			}
		}),
		{numRuns: 1000},
	);
});

function withoutPlaces(instruction: Instruction): object {
	const {range: _, ...rest} = instruction;
	return rest.kind === 'ONBUILD' ? {...rest, instruction: withoutPlaces(rest.instruction)} : rest;
}
