import {type BuildCase, busybox, file} from '../case.js';

/** Times are set by hand: what a command writes now differs by the second. */
const still = 'busybox touch -d @1500000000';

const running = (title: string, lines: readonly string[], extra: Partial<BuildCase> = {}): BuildCase => ({
	title,
	...extra,
	context: {
		'bin/busybox': busybox,
		'tree/dir/a': file('a\n'),
		'tree/dir/b': file('b\n'),
		'tree/dir/sub/c': file('c\n'),
		'tree/etc/passwd': file('root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/:/bin/sh\n'),
		'tree/etc/group': file('root:x:0:\napp:x:1002:\n'),
		...extra.context,
	},
	sealfile: ['FROM scratch', 'COPY bin /bin', 'COPY tree /', 'SHELL ["/bin/busybox", "sh", "-ec"]', ...lines],
});

/** RUN: what a command leaves in the image. */
export const runCases: readonly BuildCase[] = [
	running('a command writes a file', [`RUN echo hi > /dir/new; busybox chmod 640 /dir/new; ${still} /dir/new /dir`]),
	running('a command as a list', ['RUN ["/bin/busybox", "touch", "-d", "@1500000000", "/dir/a"]']),
	running('a command deletes a file', [`RUN busybox rm /dir/a; ${still} /dir`]),
	running('a command deletes a folder', ['RUN busybox rm -r /dir/sub; busybox touch -d @1500000000 /dir']),
	running('a command empties and refills a folder', [
		`RUN busybox rm -r /dir; busybox mkdir /dir; echo n > /dir/n; ${still} /dir/n /dir`,
	]),
	running('a command puts a file where a folder was', [
		`RUN busybox rm -r /dir/sub; echo f > /dir/sub; ${still} /dir/sub /dir`,
	]),
	running('a command changes modes and owners', [
		'RUN busybox chmod 4711 /dir/a; busybox chown 5:6 /dir/b; busybox chown -h 7:8 /dir/sub',
	]),
	running('a command makes links', [
		`RUN busybox ln -s a /dir/soft; busybox ln /dir/a /dir/hard; ${still} -h /dir/soft; ${still} /dir`,
	]),
	running('a command makes a named pipe', [`RUN busybox mkfifo -m 600 /dir/pipe; ${still} /dir/pipe /dir`]),
	running('a command sees ENV and ARG', ['ENV A=env', 'ARG B=arg', `RUN echo $A-$B > /dir/a; ${still} /dir/a`]),
	running('a build argument reaches a command', ['ARG B=arg', `RUN echo $B > /dir/a; ${still} /dir/a`], {
		buildArgs: {B: 'given'},
	}),
	running('a command runs in WORKDIR', ['WORKDIR /dir', `RUN busybox pwd > here; ${still} here /dir`]),
	running('a command runs as USER', [
		'RUN busybox chown app /dir',
		'USER app',
		`RUN busybox id -u > /dir/me; busybox id -g >> /dir/me; ${still} /dir/me /dir`,
	]),
	running('a copy after a command', [`RUN busybox rm /dir/a; ${still} /dir`, 'COPY tree/dir/b /dir/a']),
	running('a file deleted and copied again in a stage', ['FROM scratch', 'COPY --from=0 /dir /dir']),
	running('a bind mount of the context', [
		`RUN --mount=type=bind,source=tree/dir,target=/mnt/in busybox cat /mnt/in/b > /dir/a; ${still} /dir/a`,
	]),
	running(
		'a secret is there and does not stay',
		[`RUN --mount=type=secret,id=token busybox wc -c < /run/secrets/token > /dir/a; ${still} /dir/a`],
		{secrets: {token: 'hush'}},
	),
	running('a tmpfs does not stay', [`RUN --mount=type=tmpfs,target=/dir/tmp echo x > /dir/tmp/x; ${still} /dir`]),
	running('a failing command is refused', ['RUN busybox false'], {refused: true}),
];
