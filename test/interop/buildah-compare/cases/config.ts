import {type BuildCase, file} from '../case.js';

const configured = (title: string, ...lines: string[]): BuildCase => ({
	title,
	context: {f: file('f\n')},
	sealfile: ['FROM scratch', 'COPY f /', ...lines],
});

/** What ends up in the image config. */
export const configCases: readonly BuildCase[] = [
	configured('CMD as a list', 'CMD ["/f", "--flag", "a b"]'),
	configured('CMD as a line', 'CMD /f --flag "a b"'),
	configured('CMD as what is no list', "CMD ['/f', 'single']"),
	configured('ENTRYPOINT as a list', 'ENTRYPOINT ["/f"]'),
	configured('ENTRYPOINT as a line', 'ENTRYPOINT exec /f $HOME'),
	configured('CMD and ENTRYPOINT', 'ENTRYPOINT ["/f"]', 'CMD ["--default"]'),
	configured('the last CMD wins', 'CMD ["one"]', 'CMD ["two"]'),
	configured('an empty ENTRYPOINT', 'ENTRYPOINT ["/f"]', 'ENTRYPOINT []'),
	configured('SHELL is used by lines', 'SHELL ["/bin/bash", "-eu", "-c"]', 'CMD echo hi', 'ENTRYPOINT go'),
	{
		title: 'ENTRYPOINT drops the CMD of the parent',
		context: {f: file()},
		sealfile: ['FROM scratch AS base', 'COPY f /', 'CMD ["parent"]', 'FROM base', 'ENTRYPOINT ["/f"]'],
	},
	{
		title: 'CMD before ENTRYPOINT in one stage stays',
		context: {f: file()},
		sealfile: ['FROM scratch AS base', 'COPY f /', 'FROM base', 'CMD ["mine"]', 'ENTRYPOINT ["/f"]'],
	},
	configured('ports', 'EXPOSE 80', 'EXPOSE 443/tcp 53/UDP 9000-9002'),
	configured('labels', 'LABEL a=1 b="two words"', 'LABEL a=again com.example.x-y_z="3"'),
	configured('a label over lines', 'LABEL a="one \\', 'two" \\', '  b=2'),
	configured('the old form of LABEL', 'LABEL key some value'),
	configured('environment in order', 'ENV B=1 A=2', 'ENV C=3 B=changed'),
	configured('volumes', 'VOLUME /data /logs', 'VOLUME ["/json", "/with space"]'),
	configured('a stop signal by name', 'STOPSIGNAL SIGTERM'),
	configured('a stop signal by number', 'STOPSIGNAL 9'),
	configured('a user', 'USER app:staff'),
	configured('relative working directories', 'WORKDIR /a', 'WORKDIR b', 'WORKDIR c/../d/'),
	configured('the root as working directory', 'WORKDIR /'),
	configured(
		'a health check as a list',
		'HEALTHCHECK --interval=30s --timeout=5s --start-period=1m --retries=3 CMD ["/f", "check"]',
	),
	configured('a health check as a line', 'HEALTHCHECK CMD /f check || exit 1'),
	configured('no health check', 'HEALTHCHECK NONE'),
	configured('a maintainer', 'MAINTAINER Someone <someone@example.com>'),
	configured('triggers for children', 'ONBUILD COPY . /app', 'ONBUILD RUN make'),
];
