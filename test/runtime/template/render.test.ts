import test from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../../lib/core/errors.js';
import {templateFunctions} from '../../../lib/runtime/template/functions.js';
import {renderTemplate} from '../../../lib/runtime/template/render.js';

const data = {
	name: 'node-1',
	port: '5000',
	count: 3,
	on: true,
	off: false,
	empty: '',
	list: ['a', 'b', 'c'],
	map: {b: 2, a: 1},
	Values: {deep: {er: 'x'}},
};

function render(source: string): string {
	return renderTemplate(source, data, templateFunctions, 'a.tmpl');
}

const gives = test.macro({
	exec(t, source: string, expected: string) {
		t.is(render(source), expected);
	},
	title: (_, source) => JSON.stringify(source),
});

for (const [source, expected] of [
	['plain } text', 'plain } text'],
	['{{ .name }}:{{.port}}', 'node-1:5000'],
	['{{ .Values.deep.er }}', 'x'],
	['a {{- " b " -}} c', 'a b c'],
	['a\n{{- /* nothing */ -}}\nb', 'ab'],
	['{{/* multi\nline */}}x', 'x'],
	['{{ -3 }} {{ 0x10 }} {{ 1.5 }}', '-3 16 1.5'],
	['{{- 3}}', '3'],
	['{{ "a\\tb\\u00e9" }}{{ `raw\\n` }}', 'a\tb\u00e9raw\\n'],
	['{{ if .on }}yes{{ else }}no{{ end }}', 'yes'],
	['{{ if .off }}1{{ else if .empty }}2{{ else }}3{{ end }}', '3'],
	['{{ if and .on (eq .name "node-1") }}both{{ end }}', 'both'],
	['{{ if or .off .missing .on }}one{{ end }}', 'one'],
	['{{ and .off (fail "not looked at") }}', 'false'],
	['{{ if not .empty }}empty{{ end }}', 'empty'],
	['{{ range .list }}{{ . }},{{ end }}', 'a,b,c,'],
	['{{ range $i, $e := .list }}{{ $i }}={{ $e }} {{ end }}', '0=a 1=b 2=c '],
	['{{ range $k, $v := .map }}{{ $k }}{{ $v }}{{ end }}', 'a1b2'],
	['{{ range .missing }}x{{ else }}none{{ end }}', 'none'],
	['{{ range .list }}{{ if eq . "b" }}{{ continue }}{{ end }}{{ . }}{{ end }}', 'ac'],
	['{{ range .list }}{{ if eq . "b" }}{{ break }}{{ end }}{{ . }}{{ end }}', 'a'],
	['{{ range until 3 }}{{ . }}{{ end }}', '012'],
	['{{ with .Values.deep }}{{ .er }}{{ $.name }}{{ end }}', 'xnode-1'],
	['{{ with .empty }}x{{ else }}{{ .name }}{{ end }}', 'node-1'],
	['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ end }}{{ $x }}', '2'],
	['{{ $m := dict "a" 1 }}{{ $m.a }}{{ (dict "b" 2).b }}', '12'],
	['{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" .name }}', '[node-1]'],
	['{{ block "t" .port }}<{{ . }}>{{ end }}', '<5000>'],
	['{{ .missing | default "usual" }} {{ default "usual" .empty }}', 'usual usual'],
	['{{ .name | upper | printf "%s-%d" "a" | quote }}', null],
	['{{ printf "%05d|%-4s|%q|%x|%v" 42 "a" "b" 255 .list }}', '00042|a   |"b"|ff|[a b c]'],
	['{{ printf "%.2f%%" 1.239 }}', '1.24%'],
	['{{ .map }} {{ .list }} {{ .on }}', 'map[a:1 b:2] [a b c] true'],
	['{{ add 1 .count .port }} {{ div 7 2 }} {{ mod 7 2 }} {{ sub 1 2 }} {{ mul 2 3 }}', '5004 3 1 -1 6'],
	['{{ max 1 5 3 }} {{ min 4 2 }} {{ round 1.255 1 }}', '5 2 1.3'],
	['{{ join "," .list }} {{ splitList "-" .name | last }} {{ (split "-" .name)._1 }}', 'a,b,c 1 1'],
	['{{ trimSuffix "-1" .name }} {{ trimPrefix "node" .name }} {{ trimAll "-" "--a-" }}', 'node -1 a'],
	['{{ indent 2 "a\\nb" }}|{{ nindent 1 "a" }}', '  a\n  b|\n a'],
	['{{ replace "-" "$&" .name }} {{ contains "ode" .name }} {{ hasPrefix "no" .name }}', 'node$&1 true true'],
	['{{ quote "a\\"b" }} {{ squote 1 }}', '"a\\"b" \'1\''],
	['{{ len .list }} {{ len .name }} {{ index .list 1 }} {{ index .map "b" }} {{ slice .name 1 3 }}', '3 6 b 2 od'],
	[
		'{{ list 1 2 | first }} {{ has "b" .list }} {{ without .list "a" | join "" }} {{ uniq (list 1 1 2) }}',
		'1 true bc [1 2]',
	],
	['{{ keys .map }} {{ values .map }} {{ pick .map "a" | toJson }} {{ hasKey .map "c" }}', '[a b] [1 2] {"a":1} false'],
	['{{ merge (dict "a" 1) (dict "a" 2 "b" 3) | toJson }}', '{"a":1,"b":3}'],
	['{{ toYaml .map | nindent 2 }}', '\n  b: 2\n  a: 1'],
	['{{ (fromYaml "a: [1, 2]").a }} {{ (fromJson "{\\"a\\":1}").a }}', '[1 2] 1'],
	['{{ b64enc "a" }} {{ b64dec "YQ==" }} {{ sha256sum "" | trunc 8 }}', 'YQ== a e3b0c442'],
	['{{ ternary "y" "n" .on }} {{ coalesce .missing .empty .name }} {{ kindOf .list }}', 'y node-1 slice'],
	['{{ regexMatch "^node-[0-9]$" .name }} {{ regexReplaceAll "e(.)" .name "<${1}>" }}', 'true nod<->1'],
	['{{ ipNet "10.0.0.5/24" }} {{ ipAt "10.96.0.0/12" 10 }} {{ ipAt "fd00::/64" 2 }}', '10.0.0.0/24 10.96.0.10 fd00::2'],
	['{{ eq .name "a" "node-1" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge "b" "a" }}', 'true true true true'],
] as const) {
	if (expected !== null) test(gives, source, expected);
}

const semver = test.macro({
	exec(t, range: string, version: string, expected: boolean) {
		t.is(render(`{{ semverCompare ${JSON.stringify(range)} ${JSON.stringify(version)} }}`), String(expected));
	},
	title: (_, range, version, expected) => `${version} is ${expected ? '' : 'not '}in ${range}`,
});

for (const [range, version, expected] of [
	['>=1.26.0', 'v1.26.3', true],
	['>= 1.26', 'v1.25.9', false],
	['<1.27.0 || >1.30', '1.31.2', true],
	['<1.27.0 || >1.30', '1.30.5', false],
	['>=1.20, <1.24', '1.22.0', true],
	['^1.2.3', '1.9.0', true],
	['^1.2.3', '2.0.0', false],
	['^0.2.3', '0.3.0', false],
	['~1.2.3', '1.2.9', true],
	['~1.2.3', '1.3.0', false],
	['1.2.x', '1.2.7', true],
	['1.2 - 1.4.5', '1.4.6', false],
	['!=1.2.3', '1.2.4', true],
	['<=1.24', '1.24.17', true],
	['*', '0.0.1', true],
] as const)
	test(semver, range, version, expected);

const refused = test.macro({
	exec(t, source: string, message: RegExp, hint?: RegExp) {
		const error = t.throws(() => render(source), {code: 'ERR_TEMPLATE', message});
		t.true(isSealError(error) && error.details.line === 2, error.message);
		if (hint !== undefined) t.regex((isSealError(error) ? error.hint : '') ?? '', hint);
	},
	title: (_, source) => `refused: ${JSON.stringify(source)}`,
});

for (const [source, message, hint] of [
	['\n{{ .missing }}', /a\.tmpl:2 .*\.missing is not set/, /default/],
	['\n{{ .name.first }}', /\.name is a text, which has no field first/],
	['\n{{ .Values.deep.er.est }}', /\.Values\.deep\.er is a text/],
	['\n{{ uper .name }}', /there is no function "uper"/, /Is "upper" meant/],
	['\n{{ $x }}', /no variable \$x/],
	['\n{{ if .on }}', /has no \{\{end\}\}/],
	['\n{{ end }}', /\{\{end\}\} has no beginning/],
	['\n{{ else }}', /\{\{else\}\} has no beginning/],
	['\n{{ .name', /an action has no end/],
	['\n{{ "a }}', /a text has no end/],
	['\n{{ }}', /nothing between/],
	['\n{{ .name # }}', /"#" has no meaning/],
	['\n{{ (.name }}', /"\(" has no end/],
	['\n{{ .name) }}', /"\)" has no beginning/],
	['\n{{ .name | }}', /is missing/],
	['\n{{ .name .port }}', /is no function, and has arguments/],
	['\n{{ template "nothing" }}', /no template "nothing"/],
	['\n{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', /calls itself|deep/],
	['\n{{ range .name }}{{ end }}', /range cannot go over a text/],
	['\n{{ eq 1 "1" }}', /eq: a number and a text cannot be compared/],
	['\n{{ add 1 "x" }}', /add: "x" is no number/],
	['\n{{ div 1 0 }}', /divided by zero/],
	['\n{{ index .list 7 }}', /no item 7 in a list of 3/],
	['\n{{ required "a name is needed" .missing }}', /a name is needed/],
	['\n{{ fail "no" }}', /fail: no/],
	['\n{{ repeat 9999999 "abc" }}', /too long/],
	['\n{{ regexMatch "(a+)+$" "aaaa" }}', /too complex/],
	['\n{{ semverCompare ">=x.y" "1.0.0" }}', /no range of versions/],
	['\n{{/* never', /a comment has no end/],
] as const)
	test(refused, source, message, hint);

test('a template that never ends, or grows without end, is stopped', t => {
	const loops = '{{ range until 99999 }}{{ range until 99999 }}{{ . }}{{ end }}{{ end }}';
	t.throws(() => render(loops), {code: 'ERR_TEMPLATE', message: /end|too long/});
	t.throws(() => render(`${'{{ if true }}'.repeat(5000)}`), {code: 'ERR_TEMPLATE', message: /deep/});
	t.throws(() => render(`{{ ${'('.repeat(5000)} }}`), {code: 'ERR_TEMPLATE', message: /deep/});
});

test('names of JavaScript mean nothing', t => {
	for (const name of ['constructor', '__proto__', 'toString.constructor'])
		t.throws(() => render(`{{ .${name} }}`), {code: 'ERR_TEMPLATE'});
	t.throws(() => render('{{ constructor "x" }}'), {code: 'ERR_TEMPLATE', message: /no function/});
	render('{{ $m := dict "__proto__" "x" }}{{ $n := set (dict) "__proto__" "y" }}{{ $n.a | default 1 }}');
	t.is(({} as {a?: unknown}).a, undefined);
});

test('text without braces stays as it is, and anything else ends with a result or an error of ours', t => {
	const piece = fc.constantFrom(
		'{{',
		'}}',
		'{{-',
		'-}}',
		'.',
		'$x',
		':=',
		'|',
		'(',
		')',
		'"',
		'`',
		'if',
		'end',
		'range',
		'a',
		' ',
		'\n',
		'1',
	);
	fc.assert(fc.property(fc.string(), text => text.includes('{{') || render(text) === text));
	fc.assert(
		fc.property(fc.array(piece, {maxLength: 30}), pieces => {
			try {
				render(pieces.join(' '));
			} catch (error) {
				if (!isSealError(error)) throw error;
			}
			return true;
		}),
		{numRuns: 2000},
	);
	t.pass();
});
