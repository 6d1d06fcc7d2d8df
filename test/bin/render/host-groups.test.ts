import test from 'ava';
import {createHostGroups} from '../../../bin/render/host-groups.js';
import {plainStyle} from '../../../bin/render/style.js';

const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', 'web'];

function render(outputs: Readonly<Record<string, readonly string[]>>): string {
	const groups = createHostGroups();
	for (const [host, chunks] of Object.entries(outputs)) {
		for (const chunk of chunks) groups.push(host, Buffer.from(chunk));
		groups.end(host);
	}
	return groups.render(hosts, plainStyle, line => line).toString();
}

test('equal outputs stand once under their hosts, the most common first', t => {
	t.is(
		render({
			web: ['odd\n'],
			'10.0.0.2': ['a\nb', '\n'],
			'10.0.0.1': ['a\n', 'b\n'],
			'10.0.0.3': ['a\nb\n'],
			'10.0.0.4': [],
		}),
		'10.0.0.1-10.0.0.3 (3 hosts):\n  a\n  b\nweb:\n  odd\n',
	);
});

test('a last line without newline, and empty lines, are shown', t => {
	t.is(render({web: ['a\n\nb']}), 'web:\n  a\n  \n  b\n');
});

test('of a host that never stops a megabyte is kept', t => {
	const chunk = 'x'.repeat(60_000);
	const text = render({web: Array<string>(100).fill(chunk)});
	t.true(text.length < 1.1 * 1024 * 1024);
	t.true(text.endsWith('\n  [more was left out]\n'));
});
