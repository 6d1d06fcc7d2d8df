import test from 'ava';
import fc from 'fast-check';
import {flattenTemplate, resolveTemplate, unresolvedMark} from '../../../lib/sealfile/discover/template.js';

const data = {
	Values: {a: 'A', empty: '', n: 3, nested: {b: 'B', 'dash-ed': 'D'}, list: ['x'], t: '{{ .x }}', prefixed: 'v1.2'},
	Chart: {AppVersion: '9.9'},
};

const gives = test.macro<[expression: string, value: string | undefined]>({
	exec: (t, expression, value) =>
		t.is(resolveTemplate(`<${expression}>`, data), value === undefined ? undefined : `<${value}>`),
	title: (_, expression, value) => `${expression} is ${value ?? 'not resolved'}`,
});

test(gives, '{{ .Values.a }}', 'A');
test(gives, '{{- .Values.a -}}', 'A');
test(gives, '{{ $.Values.nested.b }}', 'B');
test(gives, '{{ .Values.n }}', '3');
test(gives, '{{ .Values.empty | default .Chart.AppVersion }}', '9.9');
test(gives, '{{ default "x" .Values.missing }}', 'x');
test(gives, '{{ .Values.a | quote }}', 'A');
test(gives, '{{ printf "%s/%s:%v" .Values.a "img" (default 1 .Values.n) }}', 'A/img:3');
test(gives, '{{ printf "%q" .Values.a }}', undefined);
test(gives, '{{ trimPrefix "v" .Values.prefixed }}', '1.2');
test(gives, '{{ .Values.a | lower | replace "a" "z" }}', 'z');
test(gives, '{{ index .Values.nested "dash-ed" }}', 'D');
test(gives, '{{ coalesce .Values.empty .Values.a }}', 'A');
test(gives, '{{ required "must" .Values.missing }}', undefined);
test(gives, '{{ tpl .Values.t . }}', undefined);
test(gives, '{{ .Values.missing }}', undefined);
test(gives, '{{ .Values.list }}', undefined);
test(gives, '{{ include "x" . }}', undefined);
test(gives, '{{ .constructor.name }}', undefined);
test(gives, '{{ __proto__ }}', undefined);
test(gives, '{{ .Values.a | toString | nonsense }}', undefined);
test(gives, '{{ (((((.Values.a))))) }}', 'A');
test(gives, 'text without actions', 'text without actions');

test('lines of nothing but actions become empty, other lines keep their numbers', t => {
	t.is(
		flattenTemplate('a\n{{- if .x }}\nb: {{ .Values.a }}\n  {{- end }}\n{{/* many\nlines */}}\nc: {{ .no }}\n', data),
		`a\n\nb: A\n\n\n\nc: ${unresolvedMark}\n`,
	);
});

test('variables and with are followed, range is not', t => {
	const text =
		'{{ $v := .Values.nested }}{{ $v.b }}{{ with .Values.nested }}{{ .b }}{{ $.Values.a }}{{ end }}{{ .Values.a }}{{ range .Values.list }}{{ . }}{{ end }}';
	t.is(flattenTemplate(text, data), `BBAA${unresolvedMark}`);
});

test('flattening never fails and keeps the number of lines', t => {
	fc.assert(
		fc.property(
			fc.array(
				fc.constantFrom(
					'{{',
					'}}',
					'-',
					' ',
					'\n',
					'if',
					'end',
					'with',
					'.Values.a',
					'"',
					'(',
					')',
					'|',
					'$x',
					':=',
					'image: ',
					'printf',
				),
			),
			parts => {
				const text = parts.join('');
				t.is(flattenTemplate(text, data).split('\n').length, text.split('\n').length);
			},
		),
	);
});
