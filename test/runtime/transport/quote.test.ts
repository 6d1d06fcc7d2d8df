import {spawnSync} from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import {quote, quoteAll} from '../../../lib/runtime/transport/quote.js';
import {testWith} from '../../helpers/programs.js';

const anyBytes = fc.array(
	fc.uint8Array({minLength: 1, maxLength: 40}).map(bytes => bytes.map(byte => byte || 1)),
	{
		minLength: 1,
		maxLength: 6,
	},
);

for (const shell of ['dash', 'bash', 'busybox', 'zsh']) {
	testWith(shell)(`${shell} reads any bytes as they were quoted`, t => {
		const argv = shell === 'busybox' ? ['sh'] : [];
		fc.assert(
			fc.property(anyBytes, words => {
				const line = quoteAll(words.map(word => Buffer.from(word).toString('latin1')));
				const {stdout} = spawnSync(shell, argv, {input: Buffer.from(`printf '%s\\0' ${line}\n`, 'latin1')});
				t.deepEqual(stdout, Buffer.concat(words.flatMap(word => [word, Buffer.of(0)])));
			}),
			{numRuns: 60},
		);
	});
}

const anyText = fc.string({
	unit: fc.oneof(
		fc.constantFrom(...'\'"\\!$`~*?[]{}()<>|&;#%^=-+,@: \n\t'),
		fc.string({unit: 'binary', minLength: 1, maxLength: 1}),
	),
});

for (const shell of ['dash', 'bash', 'zsh', 'fish']) {
	testWith(shell)(`${shell} as a login shell hands on any text as it was quoted`, t => {
		fc.assert(
			fc.property(fc.array(anyText.filter(isPlainText), {minLength: 1, maxLength: 5}), words => {
				const line = `exec /bin/sh -c ${quote(`printf '%s\\0' "$@"`)} sh ${quoteAll(words)}`;
				const {stdout} = spawnSync(shell, ['-c', line]);
				t.is(stdout.toString(), words.map(word => `${word}\0`).join(''));
			}),
			{numRuns: 40},
		);
	});
}

test('plain words stay readable', t => {
	t.is(quoteAll(['ls', '-la', '/etc/os-release', 'user@host:22']), 'ls -la /etc/os-release user@host:22');
});

test('words that some shell expands are quoted', t => {
	for (const word of ['', '~', '=ls', '%1', '^x', 'a*', '$x', '#', '!', '{a,b}', 'a b']) t.not(quote(word), word);
});

/** Text that UTF-8 can say: others do not come from a command line or a file. */
function isPlainText(text: string): boolean {
	return !text.includes('\0') && Buffer.from(text).toString() === text;
}
