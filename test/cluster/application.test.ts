import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import type {SealError} from '../../lib/core/errors.js';
import {Secret} from '../../lib/core/secret.js';
import type {Digest} from '../../lib/oci/digest.js';
import {createApplicationPerformer} from '../../lib/runtime/application/perform.js';
import {digestOfValue} from '../../lib/runtime/plan/plan.js';
import {applicationPlace, stagedFolder} from '../../lib/runtime/rootfs/places.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {type PlayedMaster, playedImage, playedRun} from '../helpers/played-run.js';
import {sshHome} from '../helpers/ssh-hosts.js';
import {crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

// Lines through sshd and sudo, and what a power cut leaves of them; what lines mean is in test/runtime/application.
const labTest = onLabHosts(['applications-a', 'applications-b']);

const root = '/var/lib/sealimage';
const folder = stagedFolder(root, applicationPlace('docker.io/library/redis:v7'));
const nasty = ` "quotes" 'and' $HOME \`id\` \\ !\n\tä;rm -rf /nowhere\r\n`;

function open(t: ExecutionContext, host: LabHost): Transport {
	const login = {user: 'ops', agent: false, password: new Secret(host.password)} as const;
	onHost(host.name, `mkdir -p ${folder}`);
	return sshHome(t).open({name: host.name, address: host.address, roles: [], login});
}

async function perform(
	hosts: readonly PlayedMaster[],
	command: readonly string[],
	{signal, output = []}: {readonly signal?: AbortSignal; readonly output?: string[]} = {},
): Promise<Record<string, Digest>> {
	const image = playedImage({command, env: {NASTY: nasty}});
	const noted: Record<string, Digest> = {};
	const performer = createApplicationPerformer({
		note: async (_, _host, entries) => {
			for (const {id, key} of entries) noted[id] = key;
		},
	});
	const action = {
		id: 'application/redis',
		kind: 'application',
		phase: 'run applications',
		title: 'run redis',
		needs: [],
		input: {image: image.name, from: digestOfValue('test')},
	} as const;
	try {
		await performer(playedRun({root, images: [image], hosts}), action, {
			signal,
			onEvent: event => {
				if (event.type === 'command.output') output.push(event.text);
			},
		});
	} catch (error) {
		(error as {noted?: unknown}).noted = noted;
		throw error;
	}
	return noted;
}

labTest('lines run as root through sudo, with every value as it is', async (t, [host]) => {
	const output: string[] = [];
	const line = 'printf %s "$NASTY" | od -An -v -tx1 | tr -d " \\n"; echo; id -u; pwd';
	await perform([{name: host.name, transport: open(t, host)}], [line], {output});
	t.is(output.join(''), `${Buffer.from(nasty).toString('hex')}\n0\n${folder}\n`);
});

labTest('an abort ends the line on the host, and its children', async (t, [host]) => {
	const stop = new AbortController();
	const reason = new Error('enough');
	const running = perform([{name: host.name, transport: open(t, host)}], ['sleep 4321 & sleep 4321'], {
		signal: stop.signal,
	});
	while (onHost(host.name, 'pgrep -c -f "^sleep 4321" || true').trim() !== '2') await sleep(200);
	stop.abort(reason);
	t.is(await t.throwsAsync(running), reason);
	t.is(onHost(host.name, 'pgrep -c -f "^sleep 4321" || true').trim(), '0');
});

labTest('after a power cut in the middle of a line another master goes on with it', async (t, [first, second]) => {
	const lines = ['echo one >>log', 'touch begun; test -e quick || sleep 600; echo two >>log', 'echo three >>log'];
	const transports = {first: open(t, first), second: open(t, second)};
	onHost(second.name, `touch ${folder}/quick; rm -f ${folder}/log`);
	onHost(first.name, `rm -f ${folder}/log ${folder}/quick ${folder}/begun`);
	const running = perform([{name: first.name, transport: transports.first}], lines);
	const failing = t.throwsAsync(running, {code: 'ERR_APPLICATION_HOST'});
	while (onHost(first.name, `test -e ${folder}/begun && echo yes || true`).trim() !== 'yes') await sleep(200);
	crash(first.name);
	const error = (await failing) as SealError & {readonly noted: Record<string, Digest>};
	t.regex(error.message, /was lost while line 2 of 3 of redis:v7 ran/);
	await perform(
		[
			{name: first.name, transport: transports.first, isLive: false, journal: error.noted},
			{name: second.name, transport: transports.second},
		],
		lines,
	);
	t.is(onHost(second.name, `cat ${folder}/log`), 'two\nthree\n');
});
