import test from 'ava';
import {type BundleInput, bundleConfig} from '../../../lib/sealfile/run/bundle.js';

const input: BundleInput = {
	rootDir: '/scratch/rootfs',
	argv: ['/bin/sh', '-c', 'true'],
	env: ['A=1', 'B=2', 'A=3'],
	cwd: '/work',
	user: {uid: 1000, gid: 1001, additionalGids: [44], home: '/home/app'},
	mounts: [{destination: '/cache', type: 'bind', source: '/scratch/cache', options: ['rbind', 'rw']}],
	network: 'host',
	insecure: false,
	userNamespace: undefined,
};

interface Config {
	readonly process: {
		readonly env: readonly string[];
		readonly capabilities: Readonly<Record<string, readonly string[]>>;
		readonly user: {readonly additionalGids: readonly number[]};
	};
	readonly mounts: readonly {
		readonly destination: string;
		readonly type: string;
		readonly options: readonly string[];
	}[];
	readonly linux: {readonly namespaces: readonly {readonly type: string}[]; readonly maskedPaths?: readonly string[]};
}

const configOf = (changes: Partial<BundleInput> = {}): Config => bundleConfig({...input, ...changes}) as Config;
const mountAt = (config: Config, destination: string) => config.mounts.find(mount => mount.destination === destination);

test('a command gets the process that docker build would give it', t => {
	t.deepEqual((bundleConfig(input) as {process: object}).process, {
		terminal: false,
		user: {uid: 1000, gid: 1001, umask: 0o022, additionalGids: [44]},
		args: ['/bin/sh', '-c', 'true'],
		env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/home/app', 'A=3', 'B=2'],
		cwd: '/work',
		capabilities: {bounding: docker, effective: docker, permitted: docker},
		noNewPrivileges: false,
	});
});

const docker = [
	'CAP_AUDIT_WRITE',
	'CAP_CHOWN',
	'CAP_DAC_OVERRIDE',
	'CAP_FOWNER',
	'CAP_FSETID',
	'CAP_KILL',
	'CAP_MKNOD',
	'CAP_NET_BIND_SERVICE',
	'CAP_NET_RAW',
	'CAP_SETFCAP',
	'CAP_SETGID',
	'CAP_SETPCAP',
	'CAP_SETUID',
	'CAP_SYS_CHROOT',
];

test('mounts of the instruction come after those that every container has', t => {
	t.deepEqual(
		configOf().mounts.map(({destination}) => destination),
		['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/cache'],
	);
});

test('PATH and HOME of the image win over the defaults', t => {
	t.deepEqual(configOf({env: ['PATH=/bin', 'HOME=/x']}).process.env, ['PATH=/bin', 'HOME=/x']);
});

test('the host network is shared by default, and none makes a network of its own', t => {
	t.deepEqual(
		configOf().linux.namespaces.map(({type}) => type),
		['pid', 'ipc', 'uts', 'mount'],
	);
	t.deepEqual(
		configOf({network: 'none'}).linux.namespaces.map(({type}) => type),
		['pid', 'ipc', 'uts', 'mount', 'network'],
	);
});

test('insecure gives every capability and hides nothing', t => {
	const config = configOf({insecure: true});
	t.true(config.process.capabilities.effective?.includes('CAP_SYS_ADMIN'));
	t.is(config.linux.maskedPaths, undefined);
	t.false(mountAt(config, '/sys')?.options.includes('ro'));
});

test('a namespace of one id has no terminal group, no other groups, and binds the sysfs of the host', t => {
	const map = '         0       1000          1\n';
	const config = configOf({userNamespace: {uidMap: map, gidMap: map}});
	t.false(mountAt(config, '/dev/pts')?.options.includes('gid=5'));
	t.deepEqual(config.process.user.additionalGids, []);
	t.is(mountAt(config, '/sys')?.type, 'bind');
	t.is(mountAt(configOf({userNamespace: {uidMap: map, gidMap: map}, network: 'none'}), '/sys')?.type, 'sysfs');
});
