import test from 'ava';
import {Secret} from '../../../../../lib/core/secret.js';
import {bcryptCost, createPasswordCheck} from '../../../../../lib/registry/server/access/bcrypt/check.js';
import {hashPassword} from '../../../../../lib/registry/server/access/bcrypt/hash.js';

test('a password is right against its hash, and no hash is made twice', async t => {
	const [one, two] = await Promise.all([hashPassword(new Secret('secret'), 4), hashPassword(new Secret('secret'), 4)]);
	t.is(bcryptCost(one), 4);
	t.not(one, two);
	const checker = createPasswordCheck();
	t.teardown(() => checker.close());
	t.is(await checker.check('ann', 'secret', one), 'right');
	t.is(await checker.check('ann', 'other', one), 'wrong');
});
