import test from 'ava';
import {formatConfig, parseConfig} from '../../lib/oci/config.js';

const minimal = {architecture: 'amd64', os: 'linux', rootfs: {type: 'layers', diff_ids: []}} as const;

test('keys are written in one order and maps sorted, so that equal configs are equal bytes', t => {
	const one = {
		...minimal,
		created: 'c',
		config: {Labels: {b: '2', a: '1'}, Env: ['A=1'], ExposedPorts: {'2/tcp': {}, '1/tcp': {}}},
	};
	const two = {
		config: {ExposedPorts: {'1/tcp': {}, '2/tcp': {}}, Env: ['A=1'], Labels: {a: '1', b: '2'}},
		created: 'c',
		...minimal,
	};
	t.deepEqual(formatConfig(one), formatConfig(two));
	t.is(
		formatConfig(one).toString(),
		'{"created":"c","architecture":"amd64","os":"linux","config":{"ExposedPorts":{"1/tcp":{},"2/tcp":{}},"Env":["A=1"],"Labels":{"a":"1","b":"2"}},"rootfs":{"type":"layers","diff_ids":[]}}',
	);
});

test('unknown keys are kept, behind the known ones', t => {
	const text = formatConfig({...minimal, future: 1} as never).toString();
	t.regex(text, /,"future":1\}$/);
	t.deepEqual(parseConfig(Buffer.from(text), 'c') as unknown, {...minimal, future: 1});
});

const refuses = test.macro({
	exec(t, value: unknown, message: RegExp) {
		t.throws(() => parseConfig(Buffer.from(JSON.stringify(value)), 'c'), {code: 'ERR_MANIFEST_INVALID', message});
	},
	title: (_, value) => `refuses ${JSON.stringify(value)}`,
});

test(refuses, [], /is no JSON object/);
test(refuses, {}, /has no|names no/);
test(refuses, {...minimal, os: undefined}, /names no os and architecture/);
test(refuses, {...minimal, rootfs: {}}, /has no list of layer digests/);
test(refuses, {...minimal, rootfs: {type: 'layers', diff_ids: ['x']}}, /has no list of layer digests/);
