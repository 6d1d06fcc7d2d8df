import {readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {gzipSync} from 'node:zlib';
import {chainIdOf} from '../../.build/lib/runtime/content/tree.js';
import {formatEntries} from '../../.build/lib/runtime/state/journal.js';
import {createFakeProcess} from '../../.build/lib/runtime/transport/fake/process.js';

/** What stands in the way of a node on the recorded host. */
const unwanted =
	/docker|containerd|crio|kubelet|command runc|^\/proc\/swaps:\/swap|:280A |owner 4711|net\/ens192|ens192|^nft |web-11/;
const recorded = readFileSync('test/fixtures/facts/ubuntu-22.04.txt', 'utf8')
	.split('\n')
	.filter(line => line !== 'end' && line !== '' && !unwanted.test(line))
	.join('\n');
/** As real ones: one tree of a digest. */
const layer = `sha256:${'ab'.repeat(32)}`;

/**
 * Hosts that are only played: a script that looks at them gets the recorded facts of a real host with an identity of its own, and what was done on it;
 * an agent keeps journals and states in memory.
 * @param times `loginMs` for the first command of a connection, `roundTripMs` and `lookMs` for each look
 */
export function createHosts(count, times) {
	const hosts = Array.from({length: count}, (_, number) => createHost(number + 1, times));
	const byName = new Map(hosts.map(host => [host.name, host]));
	const counts = {commands: 0, bytes: 0, atOnce: 0, most: 0};
	return {
		hosts: byName,
		counts,
		targets: masters =>
			hosts.map(({name}, index) => ({
				name,
				address: name,
				roles: [index < masters ? 'master' : 'node'],
				login: {user: 'root'},
			})),
		open: target => openHost(byName.get(target.name), times, counts),
	};
}

function createHost(number) {
	const address = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
	const hex = number.toString(16).padStart(4, '0');
	const facts = recorded
		.replaceAll('10.20.0.11/24 brd 10.20.0.255', `${address}/12 brd 10.15.255.255`)
		.replaceAll('10.20.0', '10.0.0')
		.replaceAll('2001:db8:20::11', `2001:db8:20::${hex}`)
		.replace(/(machine-id:)\w{28}/, `$1${hex.repeat(7)}`)
		.replace(/(product_uuid:)\w{8}/, `$1${hex}${hex}`)
		.replace(/(boot_id:)\w{8}/, `$1${hex}${hex}`)
		.replace('00:50:56:8f:11:22', `02:00:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`);
	return {
		name: address,
		facts: `${facts}\n/proc/sys/kernel/hostname:host-${number}\n`,
		member: undefined,
		journal: '',
		state: undefined,
		images: [],
		lines: [],
	};
}

/** What the script prints. */
function answerOf(host) {
	const told = [
		...host.lines,
		...host.images.flatMap(({name, manifest}, index) =>
			encoded(
				`image-${index + 1}`,
				JSON.stringify({name, manifest, layers: [{blob: manifest, diffId: layer}], unpackedAtMs: 1}),
			),
		),
		...encoded('member', host.member),
		...encoded('journal', host.journal === '' ? undefined : host.journal),
		...encoded('state', host.state),
	];
	const clock = `clock ${(Date.now() / 1000).toFixed(9)}`;
	return `${host.facts.replace(/^clock .*$/m, clock)}${told.join('\n')}\nend\n`;
}

function encoded(tag, content) {
	if (content === undefined) return [];
	const lines = Buffer.from(content)
		.toString('base64')
		.match(/.{1,76}/g);
	return lines.map(line => `${tag} ${line}`);
}

function openHost(host, {loginMs, roundTripMs, lookMs}, counts) {
	let login;
	const close = async () => undefined;
	return {
		host: host.name,
		async spawn(argv, {signal} = {}) {
			login ??= sleep(loginMs);
			await login;
			signal?.throwIfAborted();
			counts.commands++;
			counts.most = Math.max(counts.most, ++counts.atOnce);
			const {remote, program} = createFakeProcess(host.name, {signal});
			program.rest = play(host, argv, program, roundTripMs, lookMs, counts).finally(() => counts.atOnce--);
			return remote;
		},
		close,
		[Symbol.asyncDispose]: close,
	};
}

async function play(host, argv, program, roundTripMs, lookMs, counts) {
	if (argv.includes('session')) return await playAgent(host, program, roundTripMs);
	for await (const chunk of program.stdin) counts.bytes += chunk.length;
	const isLook = argv[2] === 'eval "$(cat)"';
	await sleep(roundTripMs + (isLook ? lookMs : 0));
	if (isLook) {
		const answer = answerOf(host);
		counts.bytes += answer.length;
		program.stdout.write(answer);
	}
	program.exit({code: 0});
}

async function playAgent(host, program, roundTripMs) {
	const say = value => program.stdout.write(`${JSON.stringify(value)}\n`);
	await sleep(roundTripMs);
	say({hello: {protocol: 1, version: '0.0.0', platform: 'linux/amd64'}});
	let rest = '';
	program.stdin.setEncoding('utf8');
	for await (const chunk of program.stdin) {
		const lines = (rest + chunk).split('\n');
		rest = lines.pop();
		for (const line of lines.filter(Boolean)) {
			const {id, verb, params} = JSON.parse(line);
			take(host, verb, params);
			setTimeout(() => program.ended.aborted || say({id, result: {}}), roundTripMs);
		}
	}
	program.exit({code: 0});
}

function take(host, verb, params) {
	if (verb === 'state') host.state = gzipSync(JSON.stringify(params.state));
	if (verb !== 'journal') return;
	if (params.member !== undefined) host.member = JSON.stringify(params.member);
	if (params.append !== undefined) host.journal += formatEntries(params.append);
}

/** What a host shows once an action was done on it. */
export function showDone(host, {kind, input}, root) {
	if (kind === 'content') host.images = input.images;
	if (kind !== 'init' && kind !== 'join') return;
	const isMaster = kind === 'init' || input.role === 'master';
	host.lines = [
		...Array.from({length: 4}, () => 'unit active'),
		...['there /etc/kubernetes/kubelet.conf', 'there /var/lib/kubelet/config.yaml'],
		...(isMaster ? ['there /etc/kubernetes/admin.conf', 'there /var/lib/etcd/member'] : []),
		...(isMaster ? ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] : []).map(
			name => `manifest ${name}`,
		),
		...(isMaster ? [`api ok https://${host.name}:6443`] : []),
	];
	return `${root}/${chainIdOf([layer])}`;
}
