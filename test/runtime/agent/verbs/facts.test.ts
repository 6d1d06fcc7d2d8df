import test from 'ava';
import type {AgentContext} from '../../../../lib/runtime/agent/protocol.js';
import {facts as verb} from '../../../../lib/runtime/agent/verbs/facts.js';
import type {HostFacts} from '../../../../lib/runtime/facts/facts.js';
import {gatherFacts} from '../../../../lib/runtime/facts/gather.js';
import {createLocalTransport} from '../../../../lib/runtime/transport/local/local.js';

const context: AgentContext = {
	signal: new AbortController().signal,
	root: '/nonexistent',
	session: {},
	event: () => undefined,
	defer: () => undefined,
};

test('an agent tells of its host what the script tells', async t => {
	const wanted = {paths: ['/', '/etc'], commands: ['sh'], sysctls: ['kernel.ostype'], versions: []};
	await using transport = createLocalTransport();
	t.deepEqual(steady(await verb.run(verb.parse(wanted), context)), steady(await gatherFacts(transport, {wanted})));
});

test('what is asked of an agent is lists of names, or refused', t => {
	t.deepEqual(verb.parse(undefined), {});
	for (const params of [[], 'x', {paths: '/'}, {paths: ['/\n/x']}, {paths: [1]}, {secrets: []}, {toString: []}]) {
		t.like(
			t.throws(() => verb.parse(params)),
			{code: 'ERR_USAGE'},
			JSON.stringify(params),
		);
	}
});

/** Without what is another each time. */
function steady({clock: _, ports: __, paths, hardware: {cpus, memoryBytes}, ...facts}: HostFacts): object {
	return {
		...facts,
		cpus,
		memoryBytes,
		paths: paths.map(({path, mountPoint, writable}) => ({path, mountPoint, writable})),
	};
}
