/**
 * The test of rollout.ts, without a host:
 *
 *   npx tsc -p examples && node .build/examples/rollout/rollout-check.js
 */
import assert from 'node:assert/strict';
import {createFakeHost} from 'sealimage/testing';
import {rollOut} from './rollout.js';

const config = 'version = 3\n';
const current = createFakeHost({
	name: 'current',
	files: {'/etc/containerd/config.toml': config},
	units: {containerd: {active: true}},
});
const old = createFakeHost({
	name: 'old',
	files: {'/etc/containerd/config.toml': 'version = 2\n'},
	units: {containerd: {active: true}},
});
const broken = createFakeHost({name: 'broken', units: {containerd: {broken: true}}});
const full = createFakeHost({name: 'full'});
full.files.freeBytes = 3;
const gone = createFakeHost({name: 'gone'});
gone.down();

const outcomes = await rollOut(
	[current, old, broken, full, gone].map(host => host.transport),
	config,
);
const told = outcomes.map(outcome => (outcome.ok ? outcome.value : (outcome.error as {code: string}).code));
assert.deepEqual(told, ['unchanged', 'changed', 'ERR_COMMAND_FAILED', 'ERR_NO_SPACE', 'ERR_HOST_UNREACHABLE']);
assert.equal(old.files.readText('/etc/containerd/config.toml'), config);
assert.ok(!current.calls.some(call => call.argv[0] === 'systemctl'), 'a host that is right is not restarted');

// A host whose connection breaks in the middle, and the next run.
const flaky = createFakeHost({name: 'flaky', units: {containerd: {active: true}}});
flaky.cutInputAfter(4);
assert.equal((await rollOut([flaky.transport], config))[0]?.ok, false);
assert.equal((await rollOut([flaky.transport], config))[0]?.ok, true);
console.log('rollout: all is well');
