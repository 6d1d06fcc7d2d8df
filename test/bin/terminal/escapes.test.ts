import test from 'ava';
import {createEscapes} from '../../../bin/terminal/escapes.js';

const types = test.macro({
	exec(t, chunks: string[], sent: string, act?: 'disconnect' | 'help') {
		const escapes = createEscapes();
		const typed = chunks.map(chunk => escapes(Buffer.from(chunk)));
		t.is(typed.map(({send}) => send.toString()).join(''), sent);
		t.is(typed.find(one => one.act !== undefined)?.act, act);
	},
	title: (_, chunks: string[]) => `typing ${JSON.stringify(chunks)}`,
});

test(types, ['ls ~/x\r'], 'ls ~/x\r');
test(types, ['~', '.'], '', 'disconnect');
test(types, ['ls\r~.'], 'ls\r', 'disconnect');
test(types, ['ls\r', '~', '~', 'x'], 'ls\r~x');
test(types, ['x~.\r'], 'x~.\r');
test(types, ['\n~?'], '\n', 'help');
test(types, ['~/bin/x\r'], '~/bin/x\r');
test(types, ['~~.'], '~.');
