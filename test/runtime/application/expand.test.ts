import test from 'ava';
import {expandLabel, expandReferences, perilousReferences} from '../../../lib/runtime/application/expand.js';

const env = {A: 'a', B: 'b', EMPTY: '', REF: '$(A)', FOO: 'foo', FOOBAR: 'foobar', 'with-dash': 'dash', a_1: 'one'};

/** The Kubernetes API reference, Container.command: "$$ are reduced to a single $ ... unresolved references are unchanged". */
const references: Readonly<Record<string, string>> = {
	'$(A)': 'a',
	'x$(A)y$(B)z': 'xaybz',
	'$(A)$(A)': 'aa',
	'$(EMPTY)': '',
	'$(with-dash)': 'dash',
	'$(MISSING)': '$(MISSING)',
	'$(date +%s)': '$(date +%s)',
	'$()': '$()',
	'$$(A)': '$(A)',
	'$$$(A)': '$a',
	'$$$$(A)': '$$(A)',
	$$: '$',
	a$$b: 'a$b',
	$: '$',
	a$: 'a$',
	$A: '$A',
	'${A}': '${A}',
	'$(A': '$(A',
	'$(A $(B)': '$(A $(B)',
	'$(A$(B)': '$(A$(B)',
	'$($(A))': '$($(A))',
	'(A)': '(A)',
	'\\$(A)': '\\a',
	'$(REF)': '$(A)',
	'$(toString)$(__proto__)': '$(toString)$(__proto__)',
};

for (const [text, expected] of Object.entries(references)) {
	test(`Kubernetes reads ${JSON.stringify(text)} as ${JSON.stringify(expected)}`, t => {
		t.is(expandReferences(text, env), expected);
	});
}

const words: Readonly<Record<string, string>> = {
	'check.sh $FOO': 'check.sh foo',
	$FOOBAR$FOO: 'foobarfoo',
	'${FOO}BAR': 'fooBAR',
	$FOOX: '$FOOX',
	'${FOO:-x}': '${FOO:-x}',
	'$1 $$ $(FOO)': '$1 $$ $(FOO)',
	$a_1: 'one',
	'${constructor}': '${constructor}',
};

for (const [text, expected] of Object.entries(words)) {
	test(`a label ${JSON.stringify(text)} means ${JSON.stringify(expected)}`, t => {
		t.is(expandLabel(text, env), expected);
	});
}

test('values that a shell would act on are noticed where they are put into a line', t => {
	const values = {PLAIN: 'v1.2:x/y=z, a', DOLLAR: 'a$b', QUOTE: "it's", LINES: 'a\nb', UNUSED: ';'};
	t.deepEqual(perilousReferences('$(PLAIN) $(DOLLAR) "$(QUOTE)" $(LINES) $(DOLLAR)', values), [
		'DOLLAR',
		'QUOTE',
		'LINES',
	]);
	t.deepEqual(perilousReferences('$$(DOLLAR) $DOLLAR', values), []);
});
