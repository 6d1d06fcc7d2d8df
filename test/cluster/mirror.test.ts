import {execFile} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import test from 'ava';
import {bootHosts, copyToHost, crash, type LabHost, onHost, packageFile} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

// Three masters that hold a cluster image, and a worker whose containerd pulls what is embedded in it.
const names = ['mirror-1', 'mirror-2', 'mirror-3', 'mirror-w'] as const;
const labTest = onLabHosts(names, {alone: true});
const worker = 'mirror-w';
const image = 'registry.example.com/lab/app:v1';
const layerBytes = 80 * 1024 * 1024;

const home = mkdtempSync(join(tmpdir(), 'sealimage-cluster-'));
test.after.always('remove the images', () => rmSync(home, {recursive: true, force: true}));

const execute = promisify(execFile);

/** The command line as a user runs it. */
async function sealimage(...args: readonly string[]): Promise<string> {
	const cli = [join(process.cwd(), 'dist/bin/sealimage.js'), '--root', join(home, 'store')];
	const {stdout} = await execute(process.execPath, [...cli, ...args], {maxBuffer: 64 << 20});
	return stdout;
}

async function build(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
	const folder = join(home, name.replaceAll(/\W/g, '-'));
	for (const [path, content] of Object.entries(files)) {
		mkdirSync(join(folder, dirname(path)), {recursive: true});
		writeFileSync(join(folder, path), content);
	}
	await sealimage('build', '--quiet', '--tag', name, folder);
}

/** An application image with one large layer, and a cluster image that embeds it. */
async function buildImages(): Promise<void> {
	await build(image, {Sealfile: 'FROM scratch\nCOPY data /data\n', data: randomBytes(layerBytes)});
	await build('lab/cluster:v1', {
		Sealfile: 'FROM scratch\nLABEL sealos.io.type=application\nCOPY images /images\n',
		'images/shim/list': `${image}\n`,
	});
}

function hostFlags(hosts: readonly LabHost[]): string[] {
	const [keyFile = ''] = hosts.map(host => host.keyFile);
	const masters = hosts.filter(({name}) => name !== worker).map(({address}) => address);
	const nodes = hosts.filter(({name}) => name === worker).map(({address}) => address);
	return [
		'--masters',
		masters.join(','),
		'--nodes',
		nodes.join(','),
		'--user',
		'root',
		'--identity',
		keyFile,
		'--no-agent',
		'--host-key',
		'off',
		'--ssh-config',
		'none',
	];
}

function setUpContainerd(): void {
	for (const name of ['runc', 'containerd']) copyToHost(worker, packageFile(name), '/tmp');
	onHost(worker, 'dpkg --force-depends -i /tmp/runc_*.deb /tmp/containerd_*.deb && rm /tmp/*.deb');
	const table = '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n';
	onHost(worker, 'cat >/etc/containerd/config.toml && systemctl restart containerd', `version = 2\n${table}`);
}

function pull(reference: string): string {
	return onHost(worker, `ctr images pull --hosts-dir /etc/containerd/certs.d ${reference} 2>&1`);
}

/** As if it had never been pulled. */
function forget(...references: readonly string[]): void {
	onHost(
		worker,
		`ctr images rm --sync ${references.join(' ')} >/dev/null 2>&1; ctr content prune references >/dev/null 2>&1; ctr images ls -q`,
	);
}

/** The masters in the order in which the worker asks them. */
function preferred(hosts: readonly LabHost[]): string[] {
	const {upstreams} = JSON.parse(onHost(worker, 'cat /etc/sealimage/registry.json')) as {upstreams: string[]};
	return upstreams.map(url => hosts.find(({address}) => address === new URL(url).hostname)?.name ?? '');
}

interface Shown {
	readonly host: string;
	readonly part: string;
	readonly service: string;
	readonly health: {readonly loopback: {ok: boolean}; readonly upstreams: readonly {ok: boolean}[]};
}

async function status(hosts: readonly LabHost[]): Promise<readonly Shown[]> {
	const args = ['registry', 'status', ...hostFlags(hosts), '--output', 'json'];
	// It ends with 1 when something is not as it should be, and says what in its output.
	const shown = await sealimage(...args).catch((error: {stdout?: string}) => error.stdout ?? '');
	return JSON.parse(shown) as Shown[];
}

labTest('registries are put on masters and a worker, and a second run changes nothing', async (t, hosts) => {
	setUpContainerd();
	await buildImages();
	await sealimage('distribute', 'lab/cluster:v1', ...hostFlags(hosts));
	await sealimage('registry', 'install', ...hostFlags(hosts));
	const again = JSON.parse(await sealimage('registry', 'install', ...hostFlags(hosts), '--output', 'json')) as {
		hosts: {changes: string[]}[];
		findings: unknown[];
	};
	t.deepEqual(
		again.hosts.map(({changes}) => changes),
		[[], [], [], []],
	);
	t.deepEqual(again.findings, []);
	const found = await status(hosts);
	t.deepEqual(
		found.map(({part}) => part),
		['serves', 'serves', 'serves', 'mirrors'],
	);
	t.true(
		found.every(
			({service, health}) => service === 'active' && health.loopback.ok && health.upstreams.every(({ok}) => ok),
		),
	);
});

labTest('a master keeps embedded blobs once: those of the registry are those of the image', async (t, hosts) => {
	const [master] = hosts;
	const count = (line: string): number => Number(onHost(master.name, line).trim());
	const largest = 'find /var/lib/sealimage -xdev -type f -size +70M';
	const inodes = count(`${largest} -printf '%i\\n' | sort -u | wc -l`);
	const links = count(`find /var/lib/sealimage/registry -type f -size +70M -printf '%n\\n' | head -n 1`);
	t.is(inodes, 1);
	t.true(links >= 2);
	const usedKiB = count('du -skx /var/lib/sealimage | cut -f 1');
	t.true(usedKiB * 1024 < layerBytes * 1.2, `${usedKiB} KiB`);
});

labTest('containerd pulls by tag and by digest with every master but one crashed', async (t, hosts) => {
	const [first = '', second = ''] = preferred(hosts);
	crash(first);
	crash(second);
	const startedMs = performance.now();
	pull(image);
	t.log(`pulled in ${Math.round(performance.now() - startedMs)} ms`);
	const digest = /sha256:[0-9a-f]{64}/.exec(onHost(worker, `ctr images ls name==${image}`))?.[0] ?? '';
	forget(image);
	pull(`${image.replace(':v1', '')}@${digest}`);
	t.regex(onHost(worker, 'ctr images ls -q'), new RegExp(`@${digest}$`, 'm'));
	forget(`${image.replace(':v1', '')}@${digest}`);
	await bootHosts([first, second]);
});

labTest('what the worker fetched is on its disk once, and is there when every master is dead', async (t, hosts) => {
	const large = onHost(worker, "find /var/lib/sealimage -xdev -type f -size +70M -printf '%i\\n'").trim().split('\n');
	t.is(large.length, 1);
	for (const {name} of hosts) if (name !== worker) crash(name);
	pull(image);
	forget(image);
	await bootHosts(names);
});

labTest('a master that dies in the middle of a blob is not missed', async (t, hosts) => {
	onHost(
		worker,
		'systemctl stop sealimage-registry && rm -rf /var/lib/sealimage/registry && systemctl start sealimage-registry',
	);
	const [first = ''] = preferred(hosts);
	const pulling = `ctr images pull --hosts-dir /etc/containerd/certs.d ${image} >/tmp/pull.log 2>&1`;
	onHost(worker, `systemd-run --quiet --unit=pulling --service-type=exec sh -c '${pulling}'`);
	const arrived = await partBytes(10 * 1024 * 1024);
	crash(first);
	t.log(`${arrived} bytes were there when the master died`);
	t.true(arrived < layerBytes / 2);
	while (/^(?:active|activating)/.test(onHost(worker, 'systemctl is-active pulling || true'))) await sleep(250);
	t.is(onHost(worker, `ctr images check name==${image} | grep -c complete`).trim(), '1');
	t.regex(onHost(worker, 'journalctl -u sealimage-registry -o cat --no-pager'), /passed over|broke|ended|cannot/);
	await bootHosts([first]);
});

labTest('a master that was off is back as it was, without the operator', async (t, hosts) => {
	for (let attempt = 0; attempt < 40; attempt++) {
		const found = await status(hosts);
		const isWhole = found.every(({service, health}) => service === 'active' && health.upstreams.every(({ok}) => ok));
		if (isWhole) break;
		await sleep(500);
	}
	const found = await status(hosts);
	t.true(found.every(({health}) => health.loopback.ok && health.upstreams.every(({ok}) => ok)));
});

labTest('removal leaves nothing', async (t, hosts) => {
	await sealimage('registry', 'remove', '--purge', ...hostFlags(hosts));
	for (const {name} of hosts) {
		const left = onHost(
			name,
			'ls -d /etc/sealimage /etc/containerd/certs.d /etc/systemd/system/*sealimage* /etc/systemd/system/*/*sealimage* /var/lib/sealimage/registry 2>/dev/null; ss -Hltn "sport = 5443"; systemctl list-units --all --no-legend "sealimage*"; true',
		);
		t.is(left, '', name);
	}
});

/** Waits until so much of a blob has come to the worker. */
async function partBytes(wanted: number): Promise<number> {
	for (let attempt = 0; attempt < 400; attempt++) {
		const found = Number(
			onHost(
				worker,
				"find /var/lib/sealimage/registry -type f -path '*upload*' -printf '%s\\n' | sort -n | tail -n 1",
			).trim() || 0,
		);
		if (found >= wanted) return found;
		await sleep(50);
	}
	throw new Error('The pull does not begin');
}
