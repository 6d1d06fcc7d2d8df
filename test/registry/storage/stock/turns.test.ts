import test from 'ava';
import {createTurns} from '../../../../lib/registry/storage/stock/turns.js';

test('shared turns run together; an exclusive one waits for them and holds the next ones', async t => {
	const turns = createTurns();
	const log: string[] = [];
	const step = (name: string, ms: number) => async (): Promise<string> => {
		log.push(`${name} begins`);
		await new Promise(resolve => setTimeout(resolve, ms));
		log.push(`${name} ends`);
		return name;
	};
	const all = await Promise.all([
		turns.shared('x', step('a', 20)),
		turns.shared('x', step('b', 10)),
		turns.exclusive('x', step('C', 10)),
		turns.exclusive('x', step('D', 0)),
		turns.shared('x', step('e', 0)),
		turns.shared('y', step('other', 0)),
	]);
	t.deepEqual(all, ['a', 'b', 'C', 'D', 'e', 'other']);
	const order = log.filter(line => !line.startsWith('other'));
	t.deepEqual(order.slice(0, 2), ['a begins', 'b begins']);
	t.deepEqual(order.slice(4), ['C begins', 'C ends', 'D begins', 'D ends', 'e begins', 'e ends']);
});

test('a turn that fails fails alone', async t => {
	const turns = createTurns();
	const fail = async (): Promise<never> => {
		throw new Error('mine');
	};
	const results = await Promise.allSettled([
		turns.shared('x', fail),
		turns.exclusive('x', fail),
		turns.shared('x', async () => 1),
		turns.exclusive('x', async () => 2),
		turns.shared('x', async () => 3),
	]);
	t.deepEqual(
		results.map(result => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
		['mine', 'mine', 1, 2, 3],
	);
});
