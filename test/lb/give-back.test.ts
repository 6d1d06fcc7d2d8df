import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {programMappings} from '../../lib/lb/give-back.js';

const entry = (header: string, anonymous = 0, swap = 0): string =>
	`${header}\nSize:   4 kB\nRss:   4 kB\nAnonymous: ${anonymous} kB\nSwap:    ${swap} kB\nVmFlags: rd mr mw me\n`;

test('only what is read from the program file and was never written to is given back', t => {
	const smaps = [
		entry('00400000-00401000 r--p 00000000 fe:00 77                  /opt/sealimage/versions/x/node'),
		entry('00e37000-032e7000 r-xp 00a37000 fe:00 77                  /opt/sealimage/versions/x/node'),
		// Relocations were written here before it became read-only.
		entry('06b11000-06b21000 r--p 06711000 fe:00 77                  /opt/sealimage/versions/x/node', 4),
		entry('06b21000-06b31000 r--p 06711000 fe:00 77                  /opt/sealimage/versions/x/node', 0, 4),
		entry('06b31000-06b41000 rw-p 06721000 fe:00 77                  /opt/sealimage/versions/x/node'),
		entry('06b41000-06b51000 r--s 06721000 fe:00 77                  /opt/sealimage/versions/x/node'),
		entry('7f7ced03a000-7f7ced0a0000 r-xp 00000000 fe:00 78          /usr/lib/libc.so.6'),
		entry('7ffd00000000-7ffd00021000 r-xp 00000000 00:00 0           [vdso]'),
	].join('');
	t.deepEqual(programMappings(smaps, '/opt/sealimage/versions/x/node'), [
		{address: 0x400000n, sizeBytes: 0x1000n},
		{address: 0xe37000n, sizeBytes: 0x24b0000n},
	]);
});

test('a mapping that does not say what was written to it is left alone', t => {
	t.deepEqual(programMappings('00400000-00401000 r-xp 00000000 fe:00 77 /node\nRss: 4 kB\n', '/node'), []);
	t.deepEqual(programMappings('', '/node'), []);
});

test('a process that gave its pages back is smaller, and goes on', t => {
	const program = `
		import {readFileSync} from 'node:fs';
		import {giveBackPages} from ${JSON.stringify(join(process.cwd(), '.build/lib/lb/give-back.js'))};
		const fileKiB = () => Number(/^RssFile:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
		const before = fileKiB();
		await giveBackPages();
		console.log(JSON.stringify({before, after: fileKiB(), sum: [1, 2, 3].map(n => n * n).reduce((a, b) => a + b)}));
	`;
	const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {encoding: 'utf8'});
	const {before, after, sum} = JSON.parse(output) as {before: number; after: number; sum: number};
	t.is(sum, 14);
	t.true(after < before / 2, `${after} of ${before} KiB`);
});
