import type {Difference} from '../disk-tree.js';

/**
 * A difference from buildah that is meant: what differs, where, and why. The peer is buildah 1.28 of Debian 12; where it
 * differs from BuildKit, BuildKit is the rule.
 */
export interface Decision {
	readonly name: string;
	readonly reason: string;
	/** Titles of cases that must show it. Absent: it may show anywhere and must show somewhere. */
	readonly cases?: readonly string[];
	readonly matches: (difference: Difference) => boolean;
}

const startedAt = Math.floor(Date.now() / 1000) - 5;

const weBuild = ({where, theirs, ours}: Difference): boolean =>
	where === 'outcome' && theirs === 'refused' && ours === 'built';
const ofMode = ({field}: Difference): boolean => field === 'mode';

export const decisions: readonly Decision[] = [
	// In every image.
	{
		name: 'no label of the tool',
		reason: 'buildah labels each image with its version, so that equal input gives other images after an update.',
		matches: ({where, ours}) => where === 'config.Labels.io.buildah.version' && ours === undefined,
	},
	{
		name: 'no PATH in an image from scratch',
		reason: 'A cluster image has no programs for a PATH, and images made by older sealos have none either.',
		matches: ({where, ours}) => where === 'config.Env.PATH' && ours === undefined,
	},
	{
		name: 'no time of the build',
		reason:
			'buildah gives folders that it makes or writes to the time of the build. Ours keep the time of their source, or 0: equal input gives equal layers.',
		matches: ({field, theirs, ours}) => field === 'mtime' && Number(theirs) >= startedAt && Number(ours) < startedAt,
	},
	{
		name: 'no traces of RUN',
		reason:
			'What a container runtime needs (mount points, /etc/hosts) is taken away after a RUN unless the image had it, as in BuildKit.',
		matches: ({where, field, ours}) =>
			/^(dev|mnt|proc|run|run\/secrets|sys|etc\/(hosts|hostname|resolv\.conf))$/.test(where) &&
			field === 'type' &&
			ours === undefined,
	},

	// Files.
	{
		name: 'a new folder is made like its source',
		reason: 'BuildKit gives a destination folder that it makes the mode of the source folder; buildah gives 0755.',
		cases: ['a new destination folder takes the mode of the source folder'],
		matches: ofMode,
	},
	{
		name: 'setuid and setgid survive',
		reason: 'BuildKit keeps them, and newer releases of buildah do.',
		cases: ['odd modes of folders survive', 'setuid, setgid and odd modes of files survive'],
		matches: ofMode,
	},
	{
		name: 'hard links of all sources of one instruction',
		reason: 'buildah finds links within a folder only. One content, one copy in the layer.',
		cases: ['hard links named one by one in one instruction', 'wildcards in a stage'],
		matches: ({field, theirs}) => field === 'sameAs' && theirs === undefined,
	},
	{
		name: 'times are cut, not rounded',
		reason: 'Layers have whole seconds. A time rounded up can lie in the future; BuildKit and umoci cut.',
		cases: ['part of a second is dropped'],
		matches: ({field}) => field === 'mtime',
	},
	{
		name: 'a link as the destination is followed',
		reason: 'BuildKit writes to where the link leads; buildah replaces a link to a file, but follows one to a folder.',
		cases: ['a destination that is a symlink to a file'],
		matches: ({where}) => where === 'link.txt' || where === 'real.txt',
	},
	{
		name: 'chmod holds for all that a copy makes',
		reason:
			'BuildKit gives the mode to the folders on the way and to the destination folder; buildah to the files in it.',
		cases: ['chmod of a file into new folders', 'chmod and chown together', 'chmod of what comes from a stage'],
		matches: ofMode,
	},
	{
		name: 'chown and chmod hold for archives',
		reason: 'BuildKit lets the flags win over what the archive says; buildah drops them without a word.',
		cases: ['ADD of an archive with chown', 'ADD of an archive with chmod'],
		matches: ({field}) => field === 'owner' || field === 'mode',
	},
	{
		name: 'volumes are no folders',
		reason: 'BuildKit writes VOLUME to the config only; runtimes make the mount point.',
		cases: ['volumes'],
		matches: ({field, ours}) => field === 'type' && ours === undefined,
	},

	// What only we read.
	{
		name: 'two stars in a wildcard',
		reason: 'BuildKit and newer releases of buildah match any depth; this one takes them for one star.',
		cases: ['two stars match any depth'],
		matches: ({field, theirs}) => field === 'type' && theirs === undefined,
	},
	{
		name: 'wildcards that this buildah cannot match',
		reason:
			'A bracket in a class is valid. A wildcard without a match is no error in BuildKit; --compat=buildah makes it one.',
		cases: ['a bracket is written as a class', 'one wildcard without a match'],
		matches: weBuild,
	},
	{
		name: 'language that this buildah does not know',
		reason: 'BuildKit has symbolic modes, names of stages in any case, all forms of substitution, and heredocs.',
		cases: [
			'chmod with letters',
			'names of stages in any case',
			'defaults and alternatives without a colon',
			'prefixes and suffixes are cut',
			'patterns are replaced',
			'a heredoc as a source',
			'a quoted heredoc keeps dollars',
		],
		matches: weBuild,
	},

	// Config.
	{
		name: 'SHELL holds for CMD and ENTRYPOINT',
		reason: 'BuildKit and docker put the SHELL before their shell form; this buildah always puts /bin/sh.',
		cases: ['SHELL is used by lines'],
		matches: ({where}) => where === 'config.Cmd' || where === 'config.Entrypoint',
	},
	{
		name: 'ports are written out',
		reason: 'BuildKit expands ranges and lowers the protocol, so that every reader finds each port.',
		cases: ['ports'],
		matches: ({where}) => where.startsWith('config.ExposedPorts.'),
	},
];
