import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {findRuntime, lastMessage} from '../../../lib/sealfile/run/runtime.js';
import {tempDir} from '../../helpers/temp-dir.js';

const works = '#!/bin/sh\nexit 0\n';
const refuses = `#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --log ] && log=$2; shift; done
[ -n "$log" ] || exit 0
echo '{"level":"error","msg":"cannot set up \\"cgroups\\""}' >"$log"
exit 1
`;

function program(dir: string, name: string, text: string): void {
	writeFileSync(join(dir, name), text, {mode: 0o755});
}

test('the first runtime that can make a container is taken', async t => {
	const dir = tempDir(t);
	program(dir, 'crun', refuses);
	program(dir, 'runc', works);
	const {runtime} = await findRuntime({scratchDir: tempDir(t), searchPath: [dir], userNamespace: undefined});
	t.deepEqual(runtime, {name: 'runc', path: join(dir, 'runc'), globalArgs: []});
});

test('crun comes before runc and makes no cgroup', async t => {
	const dir = tempDir(t);
	program(dir, 'crun', works);
	program(dir, 'runc', works);
	const {runtime} = await findRuntime({scratchDir: tempDir(t), searchPath: [dir], userNamespace: undefined});
	t.deepEqual(runtime, {name: 'crun', path: join(dir, 'crun'), globalArgs: ['--cgroup-manager=disabled']});
});

test('without a runtime the reason says what to install', async t => {
	const found = await findRuntime({scratchDir: tempDir(t), searchPath: [tempDir(t)], userNamespace: undefined});
	t.deepEqual(found, {obstacle: 'no runtime', reason: 'neither crun nor runc is installed'});
});

test("a runtime that cannot work is reported with the runtime's own words", async t => {
	const dir = tempDir(t);
	program(dir, 'runc', refuses);
	const found = await findRuntime({scratchDir: tempDir(t), searchPath: [dir], userNamespace: undefined});
	t.deepEqual(found, {
		obstacle: 'runtime fails',
		reason: 'runc cannot make a container here (cannot set up "cgroups")',
	});
});

test('the last error of a log is found in each of its forms', t => {
	t.is(lastMessage('{"level":"warning","msg":"w"}\n{"level":"error","msg":"no \\"x\\""}\n'), 'no "x"');
	t.is(lastMessage('time="now" level=error msg="runc create failed"\n'), 'runc create failed');
	t.is(lastMessage('2026-11-21T00:00:00Z: plain words\n'), '2026-11-21T00:00:00Z: plain words');
	t.is(lastMessage('{"level":"warning","msg":"w"}\n'), undefined);
	t.is(lastMessage(''), undefined);
});
