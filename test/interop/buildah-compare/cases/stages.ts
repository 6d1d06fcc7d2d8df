import {type BuildCase, directory, file, hardlink, symlink} from '../case.js';

const tree = {
	'd/f': file('f\n', {mode: 0o640}),
	'd/hard': hardlink('d/f'),
	'd/soft': symlink('f'),
	'd/sub/g': file('g\n'),
	'd/sub': directory({mode: 0o711, mtime: 1_200_000_000}),
	'e/h': file('h\n'),
};

/** Stages and what moves between them. */
export const stageCases: readonly BuildCase[] = [
	{
		title: 'a copy from a named stage',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY d /src', 'FROM scratch', 'COPY --from=one /src /dst'],
	},
	{
		title: 'a copy from a stage by its number',
		context: tree,
		sealfile: ['FROM scratch', 'COPY d /src', 'FROM scratch', 'COPY --from=0 /src/f /dst/'],
	},
	{
		title: 'names of stages in any case',
		context: tree,
		sealfile: ['FROM scratch AS One', 'COPY d /src', 'FROM scratch', 'COPY --from=oNE /src /dst'],
	},
	{
		title: 'owners come along from a stage',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY --chown=11:12 d /src', 'FROM scratch', 'COPY --from=one /src /dst'],
	},
	{
		title: 'owners come along with a single file',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY --chown=11:12 d /src', 'FROM scratch', 'COPY --from=one /src/f /new/f'],
	},
	{
		title: 'chown of what comes from a stage',
		context: tree,
		sealfile: [
			'FROM scratch AS one',
			'COPY --chown=11:12 d /src',
			'FROM scratch',
			'COPY --from=one --chown=3:4 /src /dst',
		],
	},
	{
		title: 'chmod of what comes from a stage',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY d /src', 'FROM scratch', 'COPY --from=one --chmod=500 /src /dst'],
	},
	{
		title: 'a whole stage is copied',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY d /src', 'COPY e /other', 'FROM scratch', 'COPY --from=one / /'],
	},
	{
		title: 'wildcards in a stage',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY d /src', 'FROM scratch', 'COPY --from=one /src/[fh]* /dst/'],
	},
	{
		title: 'an absolute symlink in a stage is resolved in the stage',
		context: {'d/opt/real/f': file('f\n'), 'd/link': symlink('/opt/real')},
		sealfile: [
			'FROM scratch AS one',
			'COPY d /',
			'FROM scratch',
			'COPY --from=one /link/f /f',
			'COPY --from=one /link /all',
		],
	},
	{
		title: 'a stage starts from another',
		context: tree,
		sealfile: [
			'FROM scratch AS one',
			'COPY d /src',
			'ENV A=1',
			'WORKDIR /src',
			'FROM one',
			'COPY e /other',
			'ENV B=$A',
		],
	},
	{
		title: 'three stages in a row',
		context: tree,
		sealfile: [
			'FROM scratch AS one',
			'COPY d /a',
			'FROM one AS two',
			'COPY e /b',
			'FROM two',
			'COPY --from=one /a/f /c/',
		],
	},
	{
		title: 'the target is an earlier stage',
		context: tree,
		target: 'one',
		sealfile: ['FROM scratch AS one', 'COPY d /a', 'FROM scratch AS two', 'COPY e /b'],
	},
	{
		title: 'a stage that nothing needs is not built',
		context: tree,
		sealfile: ['FROM scratch AS broken', 'COPY missing /a', 'FROM scratch', 'COPY e /b'],
	},
	{
		title: 'WORKDIR of a stage does not move sources',
		context: tree,
		sealfile: ['FROM scratch AS one', 'WORKDIR /src', 'COPY d .', 'FROM scratch', 'COPY --from=one src/f /dst/'],
	},
	{
		title: 'a missing file in a stage is refused',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY d /src', 'FROM scratch', 'COPY --from=one /gone /'],
		refused: true,
	},
	{
		title: 'a later stage cannot be a source',
		context: tree,
		sealfile: ['FROM scratch AS one', 'COPY --from=two /x /', 'FROM scratch AS two', 'COPY d /x'],
		target: 'one',
		refused: true,
	},
	{
		title: 'a trigger of a parent stage runs in the child',
		context: tree,
		sealfile: ['FROM scratch AS one', 'ONBUILD COPY d /triggered', 'FROM one', 'COPY e /e'],
	},
	{
		title: 'another platform',
		context: tree,
		platform: 'linux/arm64',
		sealfile: ['FROM scratch', 'ARG TARGETARCH', 'COPY d /$TARGETARCH'],
	},
	{
		title: 'a platform with a variant',
		context: tree,
		platform: 'linux/arm/v7',
		sealfile: [
			'FROM scratch',
			'ARG TARGETPLATFORM',
			'ARG TARGETVARIANT',
			'LABEL p=$TARGETPLATFORM v=$TARGETVARIANT',
			'COPY e /e',
		],
	},
];
