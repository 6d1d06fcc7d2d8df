import test from 'ava';
import {firstCredentials} from '../../../lib/registry/login/credentials.js';

const password = (username: string, secret: string) => ({kind: 'password', username, password: secret}) as const;

test('the first source that knows a repository counts', async t => {
	const source = firstCredentials(
		() => undefined,
		async () => password('second', 'p'),
		() => password('third', 'p'),
	);
	t.deepEqual(await source('a', 'b'), password('second', 'p'));
});
