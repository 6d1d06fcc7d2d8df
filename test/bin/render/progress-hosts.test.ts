import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {createProgress, type Progress} from '../../../bin/render/progress.js';
import {plainStyle} from '../../../bin/render/style.js';
import type {SealEvent} from '../../../lib/core/events.js';
import {VirtualScreen} from '../../helpers/virtual-screen.js';

function live(columns: number): {screen: VirtualScreen; progress: Progress; clock: {ms: number}} {
	const screen = new VirtualScreen(columns, 24);
	const clock = {ms: 0};
	const look = {style: plainStyle, unicode: false};
	return {screen, clock, progress: createProgress(screen, {mode: 'tty', verbose: false, look, now: () => clock.ms})};
}

const redrawn = async (): Promise<unknown> => sleep(150);

function hosts(doneHosts: number, failedHosts: number, slowest: readonly string[] = []): SealEvent {
	return {type: 'hosts.progress', id: 'exec', title: 'exec', totalHosts: 40, doneHosts, failedHosts, slowest};
}

test('work on hosts is one line that counts them and names who is late', async t => {
	const {screen, progress, clock} = live(120);
	progress.onEvent(hosts(0, 0, ['n1', 'n2', 'n3']));
	clock.ms = 2000;
	await redrawn();
	t.is(screen.text.length, 1, screen.text.join('\n'));
	t.regex(screen.text[0]!, /^\| exec +0\/40 hosts {2}2\.0s$/, 'nobody is late yet');
	progress.onEvent(hosts(38, 3, ['n7', 'n9']));
	await redrawn();
	t.regex(screen.text[0]!, /^\| exec +38\/40 hosts, 3 failed, waiting for n7, n9 {2}2\.0s$/);
	progress.onEvent(hosts(40, 3));
	progress.stop();
	t.deepEqual(screen.text, [], 'the result says the rest');
});

test('bytes that move are told with the hosts', async t => {
	const {screen, progress, clock} = live(120);
	progress.onEvent(hosts(0, 0, ['n1']));
	clock.ms = 2000;
	progress.onEvent({type: 'blob.progress', id: 'exec', doneBytes: 5e6, totalBytes: 40e6});
	progress.onEvent(hosts(1, 0, ['n1']));
	await redrawn();
	t.regex(screen.text[0]!, /1\/40 hosts, 5 MB \/ 40 MB, 2\.5 MB\/s, waiting for n1 {2}2\.0s$/);
	progress.stop();
});

test('a narrow terminal shows the counts', async t => {
	const {screen, progress} = live(50);
	progress.onEvent(hosts(38, 3, ['a-host-with-a-long-name.example.com']));
	await redrawn();
	t.regex(screen.text[0]!, /^\| exec +38\/40 hosts, 3 failed {2}0\.0s$/);
	progress.stop();
});

test('results on the same screen scroll over the line, and it comes back', async t => {
	const {screen, progress} = live(80);
	progress.onEvent(hosts(1, 0, ['n2']));
	await redrawn();
	progress.beside(screen, 'n1 | one\n');
	progress.beside(screen, 'n1 | two\n');
	t.deepEqual(screen.text, ['n1 | one', 'n1 | two']);
	await redrawn();
	t.is(screen.text.length, 3);
	t.regex(screen.text[2]!, /1\/40 hosts/);
	progress.stop();
	t.deepEqual(screen.text, ['n1 | one', 'n1 | two']);
	t.false(screen.cursorHidden);
});

test('the key of a new host is shown once, with its fingerprint', t => {
	const {screen, progress} = live(120);
	const event = {type: 'host.key', host: 'n1', algorithm: 'ssh-ed25519', fingerprint: 'SHA256:abc'} as const;
	progress.onEvent({...event, file: '/home/me/.ssh/known_hosts'});
	progress.stop();
	t.deepEqual(screen.text, ['! n1 is new, its key is ssh-ed25519 SHA256:abc, recorded']);
});
