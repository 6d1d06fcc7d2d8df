import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {createProgress, type Progress} from '../../../bin/render/progress.js';
import {plainStyle} from '../../../bin/render/style.js';
import {VirtualScreen} from '../../helpers/virtual-screen.js';

/** A display on a screen with a clock that only moves when told. */
function live(columns: number, rows = 24): {screen: VirtualScreen; progress: Progress; clock: {ms: number}} {
	const screen = new VirtualScreen(columns, rows);
	const clock = {ms: 0};
	const look = {style: plainStyle, unicode: false};
	const progress = createProgress(screen, {mode: 'tty', verbose: false, look, now: () => clock.ms});
	return {screen, progress, clock};
}

/** Longer than the time between two redraws. */
const redrawn = async (): Promise<unknown> => sleep(150);

test('a step under way is a line at the bottom that finished steps scroll over', async t => {
	const {screen, progress, clock} = live(80);
	progress.onEvent({type: 'step.started', id: '1', title: 'COPY a .', platform: 'linux/amd64'});
	progress.onEvent({type: 'step.started', id: '2', title: 'COPY b .', platform: 'linux/arm64', stage: 'base'});
	clock.ms = 1200;
	await redrawn();
	t.deepEqual(screen.text, [
		`| ${'[linux/amd64] COPY a .'.padEnd(71)}  1.2s`,
		`| ${'[linux/arm64 base] COPY b .'.padEnd(71)}  1.2s`,
		'  2 running, 1.2s',
	]);
	t.true(screen.cursorHidden);
	progress.onEvent({
		type: 'step.finished',
		id: '1',
		title: 'COPY a .',
		platform: 'linux/amd64',
		sizeBytes: 1e6,
		elapsedMs: 1200,
	});
	await redrawn();
	t.deepEqual(screen.text, [
		`+ ${'[linux/amd64] COPY a .'.padEnd(65)}  1 MB  1.2s`,
		`| ${'[linux/arm64 base] COPY b .'.padEnd(71)}  1.2s`,
		'  1 running, 1 done, 1.2s',
	]);
	progress.onEvent({type: 'step.cached', id: '2', title: 'COPY b .', platform: 'linux/arm64', stage: 'base'});
	progress.stop();
	t.deepEqual(screen.text.length, 2);
	t.regex(screen.text[1]!, /^= \[linux\/arm64 base\] COPY b \. +cached$/);
	t.false(screen.cursorHidden);
});

test('bytes show a bar, the amount, the rate and the elapsed time', async t => {
	const {screen, progress, clock} = live(120);
	progress.onEvent({type: 'step.started', id: 'pull', title: 'pull redis:7'});
	clock.ms = 2000;
	progress.onEvent({type: 'blob.progress', id: 'pull', doneBytes: 5e6, totalBytes: 10e6});
	await redrawn();
	t.true(screen.text[0]!.endsWith('########........  50%  5 MB / 10 MB       2.5 MB/s    2.0s'), screen.text[0]);
	progress.stop();
	t.deepEqual(screen.text, []);
});

test('a narrow terminal shows less, and no line ever wraps', async t => {
	for (const columns of [20, 30, 59, 60, 89, 90, 200]) {
		const {screen, progress, clock} = live(columns);
		clock.ms = 60_000;
		progress.onEvent({type: 'step.started', id: '1', title: `COPY ${'x'.repeat(300)} .`, platform: 'linux/amd64'});
		progress.onEvent({type: 'blob.progress', id: '1', doneBytes: 123_456_789, totalBytes: 9_876_543_210});
		progress.onEvent({type: 'step.started', id: '2', title: '漢字の長い題名'.repeat(20)});
		await redrawn();
		t.is(screen.text.length, columns === 20 ? 3 : 3, `${columns} columns: ${screen.text.join('\n')}`);
		t.true(screen.text.every(line => line.length < columns));
		progress.stop();
		t.deepEqual(screen.text, []);
	}
});

test('more work than rows is counted instead of shown', async t => {
	const {screen, progress} = live(80, 8);
	for (let i = 0; i < 30; i++) progress.onEvent({type: 'step.started', id: String(i), title: `step ${i}`});
	await redrawn();
	t.is(screen.text.length, 6);
	t.is(screen.text.at(-1), '  30 running, 25 not shown, 0.0s');
	progress.stop();
	t.deepEqual(screen.text, []);
});

test('blobs on their way are counted apart from what is mounted or there already', async t => {
	const {screen, progress, clock} = live(80);
	const blob = (hex: string): {id: string; digest: string} => {
		const digest = `sha256:${hex.repeat(64)}`;
		return {id: digest, digest};
	};
	progress.onEvent({type: 'blob.skipped', ...blob('0'), sizeBytes: 5});
	progress.onEvent({type: 'blob.mounted', ...blob('1'), sizeBytes: 5, from: 'registry.example.com/base'});
	progress.onEvent({type: 'blob.progress', id: blob('a').id, doneBytes: 5e5, totalBytes: 1e6});
	progress.onEvent({type: 'blob.progress', id: blob('b').id, doneBytes: 1e6, totalBytes: 4e6});
	clock.ms = 1000;
	progress.onEvent({type: 'blob.finished', ...blob('a'), sizeBytes: 1e6});
	await redrawn();
	t.deepEqual(screen.text, [
		`+ ${'blob aaaaaaaaaaaa'.padEnd(65)}  1 MB  1.0s`,
		`- ${'blob bbbbbbbbbbbb'.padEnd(35)}  ####............  25%        1 MB / 4 MB`,
		'  1 running, 1 moved, 1 mounted, 1 there already, 1.0s',
	]);
	progress.onEvent({type: 'blob.mounted', ...blob('b'), sizeBytes: 4e6, from: 'registry.example.com/base'});
	progress.stop();
	t.is(screen.text.length, 2);
});

test('what a registry still gives is said when little is left, and when nothing is', t => {
	const {screen, progress} = live(80);
	for (const remaining of [80, 20, 19, 1, 0, 0])
		progress.onEvent({type: 'registry.limit', host: 'docker.io', limit: 100, remaining, windowMs: 21_600_000});
	progress.stop();
	t.deepEqual(
		screen.text.map(line => line.trimEnd()),
		['! docker.io gives 20 more of 100 in 6h', '! docker.io gives 0 more of 100 in 6h'],
	);
});

test('a terminal that got narrower is cleaned of what was drawn before', async t => {
	const {screen, progress, clock} = live(100);
	progress.above('kept');
	progress.onEvent({type: 'step.started', id: '1', title: 'COPY a .'});
	progress.onEvent({type: 'blob.progress', id: '1', doneBytes: 1, totalBytes: 2});
	await redrawn();
	screen.resize(40);
	clock.ms += 100;
	await redrawn();
	t.deepEqual(screen.text.length, 3);
	t.is(screen.text[0], 'kept');
	progress.stop();
	t.deepEqual(screen.text, ['kept']);
});

test('what a command prints last stands under its step, without its escape sequences', async t => {
	const {screen, progress} = live(80);
	progress.onEvent({type: 'step.started', id: 'r', title: 'RUN make'});
	progress.onEvent({type: 'command.output', id: 'r', stream: 'stdout', text: 'one\n10%\r20%\x1b[2J\n'});
	await redrawn();
	t.is(screen.text[1], '    20%\\x1b[2J');
	progress.stop();
});

test('the screen is redrawn at most ten times a second', async t => {
	const {screen, progress} = live(80);
	let writes = 0;
	const original = screen.write.bind(screen);
	screen.write = ((...parameters: Parameters<typeof original>) => {
		writes++;
		return original(...parameters);
	}) as typeof screen.write;
	progress.onEvent({type: 'step.started', id: '1', title: 'COPY'});
	for (let i = 0; i < 5000; i++) progress.onEvent({type: 'blob.progress', id: '1', doneBytes: i});
	t.is(writes, 0);
	await redrawn();
	t.is(writes, 1);
	progress.stop();
});

test('warnings stay on the screen, with their hint', t => {
	const {screen, progress} = live(80);
	progress.onEvent({type: 'warning', code: 'X', message: 'odd', hint: 'Mend it.', file: 'Sealfile', line: 3});
	progress.stop();
	t.deepEqual(screen.text, ['warning: Sealfile:3: odd [X]', '  hint: Mend it.']);
});

test('a stopped display prints nothing more', async t => {
	const {screen, progress} = live(80);
	progress.onEvent({type: 'step.started', id: '1', title: 'COPY'});
	progress.stop();
	progress.onEvent({type: 'step.started', id: '2', title: 'COPY'});
	progress.stop();
	await redrawn();
	t.deepEqual(screen.text, []);
	t.false(screen.cursorHidden);
});

test('a pipe gets one line per finished step and no escape sequence', t => {
	const screen = new VirtualScreen(10_000, 24);
	const progress = createProgress(screen, {
		mode: 'plain',
		verbose: false,
		look: {style: plainStyle, unicode: false},
		now: () => 0,
	});
	progress.onEvent({type: 'step.started', id: '1', title: 'COPY a .'});
	progress.onEvent({type: 'blob.progress', id: '1', doneBytes: 1});
	progress.onEvent({type: 'command.output', id: '1', stream: 'stdout', text: 'noise\n'});
	progress.onEvent({type: 'step.finished', id: '1', title: 'COPY a .', sizeBytes: 2500, elapsedMs: 20});
	progress.onEvent({
		type: 'image.embedded',
		reference: 'pause:3',
		digest: 'sha256:x',
		platform: 'linux/amd64',
		sizeBytes: 10,
	});
	progress.stop();
	t.is(screen.raw, '+ COPY a .  2.5 kB  0.0s\n');
});

test('--verbose in a pipe adds the start of steps and what commands print', t => {
	const screen = new VirtualScreen(10_000, 24);
	const progress = createProgress(screen, {
		mode: 'plain',
		verbose: true,
		look: {style: plainStyle, unicode: false},
		now: () => 0,
	});
	progress.onEvent({type: 'step.started', id: '1', title: 'RUN make'});
	progress.onEvent({type: 'command.output', id: '1', stream: 'stderr', text: 'a\nb\n'});
	t.is(screen.raw, '> RUN make\n  | a\n  | b\n');
});

test('json progress is one event per line', t => {
	const screen = new VirtualScreen(10_000, 24);
	const progress = createProgress(screen, {
		mode: 'json',
		verbose: false,
		look: {style: plainStyle, unicode: false},
		now: () => 0,
	});
	const event = {type: 'step.started', id: '1', title: 'a\nb'} as const;
	progress.onEvent(event);
	t.deepEqual(JSON.parse(screen.raw), event);
	t.is(screen.raw.split('\n').length, 2);
});

test('an action of a plan is a line with its host, and what becomes of it stays', async t => {
	const {screen, progress, clock} = live(80);
	progress.onEvent({type: 'action.started', id: 'a', phase: 'prepare', title: 'install containerd', host: '10.0.0.1'});
	progress.onEvent({type: 'action.started', id: 'b', phase: 'prepare', title: 'load modules', host: '10.0.0.2'});
	clock.ms = 1200;
	progress.onEvent({type: 'action.finished', id: 'a', elapsedMs: 1200});
	progress.onEvent({type: 'action.failed', id: 'b', message: 'there is no modprobe', elapsedMs: 1200});
	progress.onEvent({type: 'action.skipped', id: 'c', phase: 'join nodes', because: 'b'});
	await redrawn();
	progress.stop();
	t.is(screen.text.length, 2);
	t.regex(screen.text[0]!, /^\+ \[10\.0\.0\.1\] install containerd +1\.2s$/);
	t.regex(screen.text[1]!, /\[10\.0\.0\.2\] load modules: there is no modprobe/);
});
