import {execFileSync, spawnSync} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync} from 'node:fs';
import {basename, join} from 'node:path';

export function isInstalled(program) {
	return spawnSync(program, ['-h'], {stdio: 'ignore'}).error === undefined;
}

/** A program of this machine with its libraries in a folder, for hosts that have not got it. */
export function packProgram(program, dir) {
	const folder = join(dir, `program-${program}`);
	if (existsSync(folder)) return folder;
	mkdirSync(folder);
	const path = execFileSync('sh', ['-c', 'readlink -f "$(command -v "$1")"', 'sh', program], {encoding: 'utf8'}).trim();
	copyFileSync(path, join(folder, program));
	const libraries = execFileSync('ldd', [path], {encoding: 'utf8'}).match(/\/\S+/g) ?? [];
	for (const library of libraries) copyFileSync(library, join(folder, basename(library)));
	return folder;
}

/** How such a program is started on a host. */
export function packedCommand(program) {
	const folder = `/opt/program-${program}`;
	return `${folder}/ld-linux-x86-64.so.2 --library-path ${folder} ${folder}/${program}`;
}

/** haproxy as the server: it costs least, and is the same for every way to it. `/large` is 1 MB. */
export function serverConfig(ports, largeFile) {
	return `global
	tune.bufsize 1100000
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
frontend answers
${ports.map(port => `	bind :${port}`).join('\n')}
	http-request return status 200 content-type text/plain file ${largeFile} if { path /large }
	http-request return status 200 content-type text/plain string "ok"
`;
}

/** haproxy as the proxy on a node, as installers of Kubernetes set it up. */
export function proxyConfig(listen, members) {
	return `global
	maxconn 4096
defaults
	mode tcp
	timeout connect 5s
	timeout client 10m
	timeout server 10m
frontend api
	bind ${listen}
	default_backend members
backend members
	balance roundrobin
${members.map((member, i) => `	server m${i} ${member} check inter 1s`).join('\n')}
`;
}
