import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import type {HostLogin} from '../../../../lib/runtime/host/target.js';
import {parseConfig} from '../../../../lib/runtime/transport/ssh/config/parse.js';
import {hostSettings} from '../../../../lib/runtime/transport/ssh/config/settings.js';
import {createIdentities} from '../../../../lib/runtime/transport/ssh/identities.js';
import {planLogin} from '../../../../lib/runtime/transport/ssh/login-plan.js';
import {parseSshKey, type SshKey} from '../../../../lib/runtime/transport/ssh/ssh2.js';
import {generateKey, type SshKeyPair} from '../../../helpers/ssh-server.js';
import {type FileTree, tempDir, writeFiles} from '../../../helpers/temp-dir.js';

const held = generateKey('ed25519', undefined, 'held');
const named = generateKey();
const usual = generateKey('ecdsa');
const locked = generateKey('ed25519', 'open sesame');

interface PlanCase {
	readonly login?: (home: string) => HostLogin;
	readonly config?: string;
	readonly files?: FileTree;
	readonly agent?: readonly SshKeyPair[];
	/** `HOME` stands for the home folder. */
	readonly labels: readonly string[];
	readonly locked?: readonly string[];
}

const plans = test.macro(async (t: ExecutionContext, about: PlanCase) => {
	const home = tempDir(t);
	writeFiles(home, about.files ?? {});
	const operator = {user: 'ann', home, agent: '/run/agent'};
	const plan = await planLogin({
		user: 'root',
		login: about.login?.(home) ?? {},
		settings: hostSettings([parseConfig(about.config ?? '', 'config')], 'web', operator),
		operator,
		identities: createIdentities(),
		agentKeys: async () =>
			await Promise.all((about.agent ?? []).map(async pair => (await parseSshKey(pair.public)) as SshKey)),
	});
	const shown = (text: string): string => text.replaceAll(home, 'HOME');
	t.deepEqual(
		plan.steps.map(({step, label}) => `${step.method}: ${shown(label)}`),
		about.labels,
	);
	t.deepEqual(plan.locked.map(shown), about.locked ?? []);
});

const home = {
	'.ssh/id_ecdsa': usual.private,
	named: named.private,
	locked: locked.private,
	'locked.pub': locked.public,
};

test('without a word the keys of the agent are tried, then the default ones', plans, {
	files: home,
	agent: [held],
	labels: ['agent: the key "held" of the agent', 'publickey: the private key HOME/.ssh/id_ecdsa'],
});
test('named keys and the password go before the agent, and default keys are left alone', plans, {
	files: home,
	agent: [held],
	login: folder => ({identities: [{file: join(folder, 'named')}], password: new Secret('x')}),
	labels: [
		'publickey: the private key HOME/named',
		'password: the password',
		'keyboard-interactive: the password',
		'agent: the key "held" of the agent',
	],
});
test('keys of the configuration count as named', plans, {
	files: home,
	config: 'IdentityFile ~/named\nIdentityFile ~/absent\n',
	labels: ['publickey: the private key HOME/named'],
});
test('IdentitiesOnly leaves the keys of the agent alone', plans, {
	files: home,
	agent: [held],
	config: 'IdentityFile ~/named\nIdentitiesOnly yes\n',
	labels: ['publickey: the private key HOME/named'],
});
test('a key is offered once, wherever it is found', plans, {
	files: home,
	agent: [named, held],
	login: folder => ({identities: [{file: join(folder, 'named')}, {key: new Secret(named.private)}]}),
	labels: ['publickey: the private key HOME/named', 'agent: the key "held" of the agent'],
});
test('the agent stands in for a locked key that it holds, and in its place', plans, {
	files: home,
	agent: [held, locked],
	config: 'IdentityFile ~/locked\n',
	labels: ['agent: the key "a test" of the agent', 'agent: the key "held" of the agent'],
});
test('a locked key that nobody holds is remembered', plans, {
	files: home,
	login: folder => ({identities: [{file: join(folder, 'locked')}]}),
	labels: [],
	locked: ['the private key HOME/locked'],
});
test('no agent is asked when none is wanted', plans, {
	agent: [held],
	login: () => ({agent: false}),
	labels: [],
});
test('a default key that cannot be used does not stand in the way of others', plans, {
	files: {'.ssh/id_ed25519': 'garbage', '.ssh/id_rsa': locked.private, '.ssh/id_ecdsa': usual.private},
	login: () => ({passphrase: new Secret('another')}),
	labels: ['publickey: the private key HOME/.ssh/id_ecdsa'],
});
