import test from 'ava';
import {lookUpUser} from '../../../lib/sealfile/run/user.js';

const files = {
	passwd: '# people\nroot:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:\n77:x:1077:1077::/odd:\nbroken\n',
	group: 'root:x:0:\napps:x:1001:\nvideo:x:44:other,app\naudio:x:29:app\napps2:x:1001:app\n',
};

const resolves = test.macro({
	exec(t, user: string, expected: readonly [number, number, readonly number[], string]) {
		const found = lookUpUser(user, files);
		t.deepEqual([found.uid, found.gid, found.additionalGids, found.home], [...expected]);
	},
	title: (_, user) => `USER ${JSON.stringify(user)} is looked up as docker does`,
});

test(resolves, '', [0, 0, [], '/root']);
test(resolves, 'root', [0, 0, [], '/root']);
test(resolves, 'app', [1000, 1001, [44, 29], '/home/app']);
test(resolves, '1000', [1000, 1001, [44, 29], '/home/app']);
test(resolves, 'app:video', [1000, 44, [], '/home/app']);
test(resolves, 'app:5', [1000, 5, [], '/home/app']);
test(resolves, '5000', [5000, 0, [], '/']);
test(resolves, '5000:5001', [5000, 5001, [], '/']);
test(resolves, '77', [1077, 1077, [], '/odd']);
test(resolves, '4294967294', [4294967294, 0, [], '/']);

const fails = test.macro({
	exec(t, user: string, message: string) {
		t.like(
			t.throws(() => lookUpUser(user, files)),
			{code: 'ERR_RUN_USER', message},
		);
	},
	title: (_, user) => `USER ${user} is refused`,
});

test(fails, 'nobody', 'The user "nobody" is not in the image\'s /etc/passwd');
test(fails, 'app:nogroup', 'The group "nogroup" is not in the image\'s /etc/group');
test(fails, '4294967295', 'The user "4294967295" is not in the image\'s /etc/passwd');

test('an image without passwd and group still has numbers', t => {
	const found = lookUpUser('12:34', {passwd: '', group: ''});
	t.deepEqual(found, {uid: 12, gid: 34, additionalGids: [], home: '/'});
});
