import test, {type ExecutionContext} from 'ava';
import {applyWish} from '../../../lib/runtime/node/apply.js';
import type {NodeSystem, Ran} from '../../../lib/runtime/node/system.js';
import {undoWish} from '../../../lib/runtime/node/undo.js';
import {emptyWish} from '../../../lib/runtime/node/wish.js';
import {playNode} from '../../helpers/played-node.js';
import {tempDir} from '../../helpers/temp-dir.js';

const wish = {...emptyWish, trusted: ['10.0.0.1', '10.244.0.0/16']};

function ran(stdout: string, code = 0): Ran {
	return {code, stdout, stderr: ''};
}

/** A host with a firewall that keeps what it is told. */
function walled(t: ExecutionContext, answer: (argv: readonly string[]) => Ran) {
	const node = playNode(tempDir(t));
	const system: NodeSystem = {
		run: async (argv, options) =>
			/^(?:firewall|ufw)/.test(argv[0] ?? '') ? answer(argv) : await node.system.run(argv, options),
	};
	return {...node, system};
}

function firewalld(state: {running: boolean}, now: Set<string>, later: Set<string>): (argv: readonly string[]) => Ran {
	return argv => {
		const line = argv.join(' ');
		if (argv[0] === 'ufw') return ran('', 127);
		if (line.includes('--version')) return ran('2.0');
		if (line.includes('--state')) return ran('', state.running ? 0 : 252);
		const isLater = line.includes('--permanent') || argv[0] === 'firewall-offline-cmd';
		const sources = isLater ? later : now;
		const [, verb, source = ''] = /--(add|remove|query)-source=(\S+)/.exec(line) ?? [];
		if (verb === 'add') sources.add(source);
		if (verb === 'query') return ran('', sources.has(source) ? 0 : 1);
		// As firewalld: UNKNOWN_SOURCE, which is no warning.
		if (verb === 'remove' && !sources.delete(source)) return ran('', 129);
		return ran(line.includes('--list-sources') ? [...sources].join(' ') : 'success');
	};
}

test('firewalld lets in whom the wish names, now and later, and no more when it is undone', async t => {
	const [now, later] = [new Set(['10.9.9.9']), new Set(['10.9.9.9', '10.0.0.1'])];
	const node = walled(t, firewalld({running: true}, now, later));
	t.deepEqual(await applyWish(wish, node.root, node.system, node), [
		'let 10.0.0.1 through firewalld',
		'let 10.244.0.0/16 through firewalld',
		'let 10.244.0.0/16 through firewalld, also later',
	]);
	t.deepEqual([...now], ['10.9.9.9', '10.0.0.1', '10.244.0.0/16']);
	t.deepEqual([...later], ['10.9.9.9', '10.0.0.1', '10.244.0.0/16']);
	t.deepEqual(await applyWish(wish, node.root, node.system, node), []);
	t.deepEqual((await undoWish(node.root, node.system, node)).leftovers, []);
	t.deepEqual([...now], ['10.9.9.9']);
	// Somebody else wanted that one.
	t.deepEqual([...later], ['10.9.9.9', '10.0.0.1']);
});

test('a firewalld that was stopped since forgets it for its next start', async t => {
	const state = {running: true};
	const later = new Set<string>();
	const node = walled(t, firewalld(state, new Set(), later));
	await applyWish(wish, node.root, node.system, node);
	state.running = false;
	t.deepEqual((await undoWish(node.root, node.system, node)).leftovers, []);
	t.deepEqual([...later], []);
});

test('a firewalld that has forgotten somebody since is told nothing of them', async t => {
	const [now, later] = [new Set<string>(), new Set<string>()];
	const node = walled(t, firewalld({running: true}, now, later));
	await applyWish(wish, node.root, node.system, node);
	now.clear();
	later.delete('10.0.0.1');
	t.deepEqual((await undoWish(node.root, node.system, node)).leftovers, []);
	t.deepEqual([...later], []);
});

test('ufw lets in whom the wish names, to the host and to its pods, and no more when it is undone', async t => {
	const rules = new Set(['ALLOW       10.9.9.9', 'ALLOW       10.0.0.2                   # mine']);
	const node = walled(t, ([program, ...words]) => {
		if (program !== 'ufw') return ran('', 127);
		const rule = `${words[0] === 'route' ? 'ALLOW FWD  ' : 'ALLOW      '} ${words.at(-1) ?? ''}`;
		if (words.includes('delete')) rules.delete(rule);
		else if (words.includes('allow')) rules.add(rule);
		const lines = [...rules].map(line => `Anywhere                   ${line}\n`);
		return ran(words[0] === 'status' ? `Status: active\n\nTo   Action   From\n${lines.join('')}\n` : '');
	});
	const trusted = [...wish.trusted, '10.0.0.2'];
	t.deepEqual(await applyWish({...wish, trusted}, node.root, node.system, node), [
		'let 10.0.0.1 through ufw',
		'let 10.244.0.0/16 through ufw',
		'let 10.0.0.1 through ufw, to pods too',
		'let 10.244.0.0/16 through ufw, to pods too',
		'let 10.0.0.2 through ufw, to pods too',
	]);
	t.is(rules.size, 7);
	t.deepEqual(await applyWish({...wish, trusted}, node.root, node.system, node), []);
	await undoWish(node.root, node.system, node);
	t.deepEqual([...rules], ['ALLOW       10.9.9.9', 'ALLOW       10.0.0.2                   # mine']);
});

test('without an active firewall nobody is told anything', async t => {
	const node = walled(t, ([program]) => (program === 'ufw' ? ran('Status: inactive\n') : ran('', 127)));
	t.deepEqual(await applyWish(wish, node.root, node.system, node), []);
});
