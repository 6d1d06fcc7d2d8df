import test from 'ava';
import {hashSync} from 'bcryptjs';
import {bcryptCost, createPasswordCheck, hashOfNobody} from '../../../../../lib/registry/server/access/bcrypt/check.js';

const hash = hashSync('secret', 6);

test('a storm of equal logins is one check, and the loop turns on meanwhile', async t => {
	const checker = createPasswordCheck({waiting: 1});
	t.teardown(() => checker.close());
	const slow = hashSync('secret', 10);
	const order: string[] = [];
	setImmediate(() => order.push('other work'));
	const verdicts = await Promise.all(
		Array.from({length: 200}, async () => {
			const verdict = await checker.check('alice', 'secret', slow);
			order.push('checked');
			return verdict;
		}),
	);
	t.is(order[0], 'other work');
	t.deepEqual(new Set(verdicts), new Set(['right']));
	t.is(await checker.check('alice', 'secret', slow), 'right');
});

test('more different checks than may wait are answered with busy', async t => {
	const checker = createPasswordCheck({waiting: 3});
	t.teardown(() => checker.close());
	const verdicts = await Promise.all(Array.from({length: 10}, (_, i) => checker.check('alice', `guess ${i}`, hash)));
	t.deepEqual(verdicts, [...Array<string>(3).fill('wrong'), ...Array<string>(7).fill('busy')]);
	t.is(await checker.check('alice', 'secret', hash), 'right', 'the queue is free again');
});

test('what is remembered belongs to one user, one password and one hash', async t => {
	const checker = createPasswordCheck();
	t.teardown(() => checker.close());
	t.is(await checker.check('alice', 'secret', hash), 'right');
	t.is(await checker.check('alice', 'secret', hashSync('other', 4)), 'wrong');
	t.is(await checker.check('alice', 'secret2', hash), 'wrong');
	t.is(await checker.check('bob', 'secret', hashOfNobody(4)), 'wrong');
});

test('a check that was cut short by the end of the server rejects', async t => {
	const checker = createPasswordCheck();
	const asked = checker.check('alice', 'secret', hashSync('secret', 12));
	await checker.close();
	await t.throwsAsync(asked, {code: 'ERR_INTERNAL'});
});

test('all spellings of bcrypt mean the same, as Apache and PHP write them', async t => {
	const checker = createPasswordCheck();
	t.teardown(() => checker.close());
	for (const spelling of ['$2a$', '$2b$', '$2y$']) {
		t.is(await checker.check('alice', 'secret', hash.replace('$2b$', spelling)), 'right', spelling);
	}
	// A known answer of crypt_blowfish, so that not only our own library judges.
	const known = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
	t.is(await checker.check('alice', 'U*U', known), 'right');
	t.is(await checker.check('alice', 'U*V', known), 'wrong');
});

test('the hash of nobody is a bcrypt hash of the same cost', t => {
	t.is(bcryptCost(hashOfNobody(12)), 12);
	t.is(bcryptCost('$1$x'), undefined);
});
