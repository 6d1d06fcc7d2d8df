import test from 'ava';
import {createModes} from '../../../bin/terminal/modes.js';

test('what a program switched on and not off again is switched off', t => {
	const modes = createModes();
	modes.watch(Buffer.from('\x1b[?1049h\x1b[?25l\x1b[?1000;1006h text \x1b[?2004h'));
	modes.watch(Buffer.from('\x1b[?2004l'));
	t.is(modes.restore(), '\x1b[?1049l\x1b[?1000l\x1b[?1006l\x1b[?25h\x1b[0m');
});

test('a program that cleaned up leaves nothing to do', t => {
	const modes = createModes();
	modes.watch(Buffer.from('\x1b[?1049h\x1b[?25l'));
	modes.watch(Buffer.from('\x1b[?1049l\x1b[?25h\x1b[?7h'));
	t.is(modes.restore(), '\x1b[0m');
});
