import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import {places} from '../../lib/runtime/mirror/places.js';
import {createLocalTransport} from '../../lib/runtime/transport/local/local.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {tempDir} from './temp-dir.js';

/** A folder that stands for the root of a host, with a systemctl that keeps its state in files. */
export interface RootHost {
	readonly root: string;
	readonly target: HostTarget;
	readonly transport: Transport;
	/** What systemctl was told, in order. */
	systemctl(): readonly string[];
	read(path: string): string | undefined;
	write(path: string, content: string): void;
}

export interface RootHostOptions {
	readonly name?: string;
	readonly address?: string;
	readonly roles?: readonly string[];
	/** The shell that runs the scripts. */
	readonly shell?: readonly string[];
	readonly agent?: boolean;
	readonly systemd?: boolean;
	/** What `containerd config dump` says. */
	readonly containerd?: string;
}

export function rootHost(t: ExecutionContext, options: RootHostOptions = {}): RootHost {
	const {name = 'm1', address = '10.0.0.1', roles = ['master'], shell = ['sh'], agent = true, systemd = true} = options;
	const dir = tempDir(t);
	const root = join(dir, 'root');
	const tools = join(dir, 'tools');
	const put = (path: string, content: string, mode = 0o644): void => {
		mkdirSync(dirname(path), {recursive: true});
		writeFileSync(path, content);
		chmodSync(path, mode);
	};
	mkdirSync(join(root, 'etc'), {recursive: true});
	if (agent) put(join(root, places.agent), '', 0o755);
	if (systemd) mkdirSync(join(root, 'run/systemd/system'), {recursive: true});
	put(join(tools, 'hostname'), `#!/bin/sh\necho ${name}\n`, 0o755);
	put(join(tools, 'ip'), `#!/bin/sh\necho "2: eth0    inet ${address}/24 brd 10.0.0.255 scope global eth0"\n`, 0o755);
	put(join(tools, 'systemctl'), systemctl(dir), 0o755);
	put(join(tools, 'journalctl'), '#!/bin/sh\necho "the journal says why"\n', 0o755);
	put(join(dir, 'dump'), options.containerd ?? '');
	if (options.containerd !== undefined) put(join(tools, 'containerd'), `#!/bin/sh\ncat '${dir}/dump'\n`, 0o755);
	const local = createLocalTransport({host: name});
	t.teardown(() => local.close());
	const transport: Transport = {
		...local,
		spawn([, ...argv], given) {
			const env = {PATH: `${tools}:${process.env.PATH}`};
			return local.spawn([...shell, ...argv], {...given, as: 'login', env});
		},
	};
	const target: HostTarget = {name, address, roles, login: {}};
	return {
		root,
		target,
		transport,
		systemctl: () => (existsSync(join(dir, 'log')) ? readFileSync(join(dir, 'log'), 'utf8').trim().split('\n') : []),
		read: path => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined),
		write: (path, content) => put(join(root, path), content),
	};
}

function systemctl(dir: string): string {
	return `#!/bin/sh
cd '${dir}'
case $1 in
is-active) cat active 2>/dev/null || echo inactive; exit ;;
is-enabled) cat enabled 2>/dev/null || echo disabled; exit ;;
show) echo MainPID=0; exit ;;
reset-failed) exit ;;
enable) echo enabled >enabled ;;
disable) rm -f enabled ;;
restart) [ ! -e broken ] || exit 1; echo active >active ;;
stop) rm -f active ;;
esac
cat >>log <<-end
	$*
end
`;
}
