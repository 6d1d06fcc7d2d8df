import test from 'ava';
import {lookup} from '../../../lib/oci/tree/tree.js';
import {resolveOwner} from '../../../lib/sealfile/copy/owner.js';
import {imageTree} from '../../helpers/image-tree.js';

const tree = imageTree({
	'etc/passwd': '-> ../usr/lib/passwd',
	'usr/lib/passwd':
		'root:x:0:0:root:/root:/bin/sh\n# comment\nbroken:x\nbad:x:y:z\napp:x:101:201::/home/app:\napp:x:7:7::/:\n',
	'etc/group': 'root:x:0:\nstaff:x:50:app\n',
});

async function readFile(path: string): Promise<Uint8Array | undefined> {
	const content = lookup(tree, path)?.content;
	return content?.kind === 'bytes' ? content.bytes : undefined;
}

const owning = test.macro<[string, string]>({
	async exec(t, text, expected) {
		const {uid, gid} = await resolveOwner(text, tree, readFile);
		t.is(`${uid}:${gid}`, expected);
	},
	title: (_, text, expected) => `--chown=${text} is ${expected}`,
});

test(owning, '5', '5:5');
test(owning, '5:6', '5:6');
test(owning, 'app', '101:201');
test(owning, 'app:staff', '101:50');
test(owning, '5:staff', '5:50');
test(owning, 'app:6', '101:6');
test(owning, '4294967294', '4294967294:4294967294');

const refusing = test.macro<[string, string]>({
	async exec(t, text, code) {
		await t.throwsAsync(resolveOwner(text, tree, readFile), {code});
	},
	title: (_, text, code) => `--chown=${text} is refused with ${code}`,
});

test(refusing, '', 'ERR_COPY_OPTION');
test(refusing, ':5', 'ERR_COPY_OPTION');
test(refusing, '5:', 'ERR_COPY_OPTION');
test(refusing, '1:2:3', 'ERR_COPY_OPTION');
test(refusing, '4294967295', 'ERR_COPY_OPTION');
test(refusing, 'nobody', 'ERR_COPY_OWNER');
test(refusing, 'app:nobody', 'ERR_COPY_OWNER');
test(refusing, 'bad', 'ERR_COPY_OWNER');

test('a name needs the files of the image', async t => {
	await t.throwsAsync(resolveOwner('app', imageTree({}), readFile), {
		code: 'ERR_COPY_OWNER',
		message: 'There is no user "app" in /etc/passwd of the image',
	});
});
