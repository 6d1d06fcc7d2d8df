import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealError} from '../../../lib/core/errors.js';
import type {SealEvent} from '../../../lib/core/events.js';
import type {Digest} from '../../../lib/oci/digest.js';
import {createApplicationPerformer} from '../../../lib/runtime/application/perform.js';
import type {ClusterRun} from '../../../lib/runtime/lifecycle/run.js';
import type {ClusterImage} from '../../../lib/runtime/lifecycle/setting.js';
import {digestOfValue} from '../../../lib/runtime/plan/plan.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {loginTransport} from '../../helpers/login-transport.js';
import {type PlayedMaster, playedImage, playedRun} from '../../helpers/played-run.js';
import {tempDir} from '../../helpers/temp-dir.js';

const from = digestOfValue('what it follows from');
const place = 'work/application/docker.io-library-redis-v7';

interface Played {
	readonly run: ClusterRun;
	readonly root: string;
	readonly events: SealEvent[];
	/** Journals of hosts, written while it ran. */
	readonly noted: Record<string, Record<string, Digest>>;
	perform(run?: ClusterRun, needs?: readonly string[]): Promise<void>;
}

function play(
	t: ExecutionContext,
	image: Partial<ClusterImage>,
	parts: {
		readonly root?: string;
		readonly hosts?: readonly PlayedMaster[];
		readonly env?: Readonly<Record<string, string>>;
		readonly done?: Readonly<Record<string, Digest>>;
		readonly below?: readonly ClusterImage[];
	} = {},
): Played {
	const root = parts.root ?? tempDir(t);
	const own = playedImage(image);
	const hosts = parts.hosts ?? [{name: 'm1', transport: loginTransport('m1')}];
	const run = playedRun({
		root,
		images: [...(parts.below ?? []), own],
		hosts,
		env: parts.env ?? {},
		...(parts.done === undefined ? {} : {done: parts.done}),
	});
	for (const folder of [place, 'work/rootfs']) mkdirSync(join(root, folder, 'bin'), {recursive: true});
	const events: SealEvent[] = [];
	const noted: Record<string, Record<string, Digest>> = {};
	const perform = createApplicationPerformer({
		note: async (_, host, entries) => {
			for (const {id, key} of entries) noted[host] = {...noted[host], [id]: key};
		},
	});
	return {
		run,
		root,
		events,
		noted,
		perform: (other, needs = []) =>
			perform(
				other ?? run,
				{
					id: `application/${own.name}`,
					kind: 'application',
					phase: 'run applications',
					title: 'run redis',
					needs,
					input: {image: own.name, from},
				},
				{onEvent: event => events.push(event)},
			),
	};
}

function outputOf(events: readonly SealEvent[]): string {
	return events.flatMap(event => (event.type === 'command.output' ? [event.text] : [])).join('');
}

test('lines run one after the other in the folder of the image, with its variables as data', async t => {
	const played = play(
		t,
		{
			env: {NAME: 'redis', NASTY: 'a "b" $c `d`\n\'e\' '},
			entrypoint: ['echo "first $NAME"'],
			command: ['printf "%s|" "$NASTY" "$KUBECONFIG" "$(NAME)" "$SEALOS_SYS_KUBE_VERSION"', 'pwd; tool'],
		},
		{env: {NAME: 'from the cluster'}},
	);
	writeFileSync(join(played.root, 'work/rootfs/bin/tool'), '#!/bin/sh\necho tool of the rootfs\n', {mode: 0o755});
	await played.perform();
	t.is(
		outputOf(played.events),
		[
			'first from the cluster\n',
			'a "b" $c `d`\n\'e\' |/etc/kubernetes/admin.conf|from the cluster|v1.30.2|',
			`${join(played.root, place)}\n`,
			'tool of the rootfs\n',
		].join(''),
	);
	t.deepEqual(
		Object.keys(played.noted.m1 ?? {}),
		[1, 2, 3].map(n => `application/docker.io/library/redis:v7/line-${n}`),
	);
	const titles = played.events.flatMap(event => (event.type === 'step.started' ? [event.title] : []));
	t.is(
		titles[1],
		'redis:v7 on m1, line 2 of 3: printf "%s|" "$NASTY" "$KUBECONFIG" "$(NAME)" "$SEALOS_SYS_KUBE_VERSION"',
	);
});

test('the first line that fails ends it, and is named with what it wrote last', async t => {
	const played = play(t, {
		env: {SECRET: 'hidden-value'},
		command: ['true', 'echo trying >&2; echo "not for you" >&2; exit 4 # $(SECRET)', 'touch never'],
	});
	const error = (await t.throwsAsync(played.perform(), {code: 'ERR_APPLICATION_LINE'})) as SealError;
	t.is(
		error.message,
		'Line 2 of 3 of redis:v7 ended with exit code 4: echo trying >&2; echo "not for you" >&2; exit 4 # $(SECRET) (its last output: trying; not for you)',
	);
	t.like(error.details, {host: 'm1', code: 4});
	t.false(JSON.stringify(error).includes('hidden-value'));
	t.false(existsSync(join(played.root, place, 'never')));
});

test('values that are secret by their names are in no output and no error', async t => {
	const played = play(t, {env: {DB_PASSWORD: 'hunter22'}, command: ['echo "login $DB_PASSWORD"; exit 1']});
	const error = await t.throwsAsync(played.perform(), {message: /login \[secret\]/});
	t.false(JSON.stringify([played.events, error]).includes('hunter22'));
});

test('an interrupted application goes on with the first line that is not done', async t => {
	const image = {command: ['echo one >>log', 'test -e allowed && echo two >>log', 'echo three >>log']};
	const first = play(t, image);
	await t.throwsAsync(first.perform(), {code: 'ERR_APPLICATION_LINE'});
	const {root} = first;
	writeFileSync(join(root, place, 'allowed'), '');
	const hosts = [{name: 'm1', transport: loginTransport('m1'), journal: first.noted.m1 ?? {}}];
	const again = play(t, image, {root, hosts});
	await again.perform();
	t.is(readFileSync(join(root, place, 'log'), 'utf8'), 'one\ntwo\nthree\n');
	t.is(again.events[0]?.type, 'step.cached');

	await t.notThrowsAsync(play(t, {command: ['echo other >>log', ...image.command.slice(1)]}, {root, hosts}).perform());
	t.regex(
		readFileSync(join(root, place, 'log'), 'utf8'),
		/three\nother\ntwo\nthree\n$/,
		'a line that is another one now runs, and all after it',
	);
});

test('an application that came to its end and is asked for again begins with its first line', async t => {
	const image = {command: ['echo one >>log']};
	const first = play(t, image);
	await first.perform();
	const name = 'docker.io/library/redis:v7';
	const done = {[`application/${name}`]: digestOfValue({kind: 'application', input: {image: name, from}})};
	const hosts = [{name: 'm1', transport: loginTransport('m1'), journal: first.noted.m1 ?? {}}];
	await play(t, image, {root: first.root, hosts, done}).perform();
	t.is(readFileSync(join(first.root, place, 'log'), 'utf8'), 'one\none\n');
	await play(t, image, {root: first.root, hosts}).perform(undefined, ['init/m1']);
	t.is(
		readFileSync(join(first.root, place, 'log'), 'utf8'),
		'one\none\none\n',
		'so does one in a cluster that began anew',
	);
});

test('when the master is lost the error says so, and another one goes on with the same line', async t => {
	const image = {command: ['echo one', 'echo two', 'echo three']};
	const dying = createFakeHost({name: 'm1'});
	dying.on(call => call.env.SEALIMAGE_LINE === 'echo two', {stdout: 'so far\n', lost: true});
	dying.on(call => call.env.SEALIMAGE_LINE === 'echo one', 'one\n');
	const first = play(t, image, {hosts: [{name: 'm1', transport: dying.transport}]});
	const error = (await t.throwsAsync(first.perform(), {code: 'ERR_APPLICATION_HOST'})) as SealError;
	t.is(error.message, 'The host was lost while line 2 of 3 of redis:v7 ran: echo two');
	t.regex(error.hint ?? '', /same command again.*another master/);
	const second = play(t, image, {
		root: first.root,
		hosts: [
			{name: 'm1', transport: dying.transport, isLive: false, journal: first.noted.m1 ?? {}},
			{name: 'm2', transport: loginTransport('m2')},
		],
	});
	await second.perform();
	t.is(outputOf(second.events), 'two\nthree\n');
	t.deepEqual(Object.keys(second.noted), ['m2']);
});

test('it runs where its files are: on the master that this plan brought them to, or one before it', async t => {
	const image = {command: ['echo here']};
	const stage = (name: string): string => `stage/${name}/application/docker.io/library/redis:v7`;
	const hosts = ['m1', 'm2', 'm3'].map(name => ({
		name,
		transport: loginTransport(name),
		journal: name === 'm2' ? {[stage('m2')]: from} : {},
	}));
	const now = play(t, image, {hosts});
	await now.perform(undefined, [stage('m3')]);
	t.deepEqual(Object.keys(now.noted), ['m3']);
	const before = play(t, image, {hosts});
	await before.perform();
	t.deepEqual(Object.keys(before.noted), ['m2']);
	await t.throwsAsync(play(t, image, {hosts: hosts.map(host => ({...host, isLive: false}))}).perform(), {
		code: 'ERR_APPLICATION_HOST',
		message: /No master answers/,
	});
});

test('files that are not there are told', async t => {
	const played = play(t, {name: 'docker.io/library/other:v1', command: ['true']});
	await t.throwsAsync(played.perform(), {
		code: 'ERR_APPLICATION_HOST',
		message: 'The files of other:v1 are not on the host',
	});
});

test('variables of the rootfs and of patches are there too, below those of the application', async t => {
	const below = [
		playedImage({name: 'docker.io/library/kubernetes:v1', type: 'rootfs', env: {ROOT: 'rootfs', BOTH: 'rootfs'}}),
		playedImage({name: 'docker.io/library/other:v1', env: {ROOT: 'another application'}}),
	];
	const played = play(t, {env: {BOTH: 'own'}, command: ['echo "$ROOT $BOTH"']}, {below});
	await played.perform();
	t.is(outputOf(played.events), 'rootfs own\n');
});

test('an action for an image that the cluster does not have is refused', async t => {
	const played = play(t, {command: ['true']});
	const other = play(t, {name: 'docker.io/library/absent:v1', command: ['true']});
	await t.throwsAsync(other.perform(played.run), {code: 'ERR_PLAN'});
});

test('what cannot be set, and what a shell would act on, is told', async t => {
	const played = play(
		t,
		{env: {OPTIONS: '--set "a=b c"'}, command: ['printf "%s," $(OPTIONS)']},
		{env: {PATH: '/x', SEALOS_SYS_RUN_MODE: 'x'}},
	);
	await played.perform();
	t.is(outputOf(played.events), '--set,a=b c,', 'as in a container, the shell reads what is put in');
	const warnings = played.events.flatMap(event => (event.type === 'warning' ? [event] : []));
	t.deepEqual(
		warnings.map(({code}) => code),
		['VariableIgnored', 'ShellReference'],
	);
	t.regex(warnings[0]?.message ?? '', /PATH, SEALOS_SYS_RUN_MODE/);
	t.is(warnings[1]?.hint, 'Write "$OPTIONS" in place of $(OPTIONS) in the image: then the value stays as it is.');
});

const hints: Readonly<Record<string, RegExp>> = {
	kubectl_apply: /whole command line/,
	'no-such-tool --flag': /bin\/ of the image/,
	'exit 3': /goes on with this line/,
};

for (const [line, hint] of Object.entries(hints)) {
	test(`the hint for ${line} says what to do`, async t => {
		const error = (await t.throwsAsync(play(t, {command: [line]}).perform())) as SealError;
		t.regex(error.hint ?? '', hint);
	});
}
