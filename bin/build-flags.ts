import {agentFlags} from './agent-flags.js';
import type {Flags} from './command.js';
import {registryFlags} from './registry-flags.js';

/** The flags of `build`; names are those of buildah and sealos where they have one. */
export const buildFlags = {
	tag: {type: 'list', short: 't', value: 'NAME', help: 'a name for the image', completes: 'image'},
	file: {
		type: 'string',
		short: 'f',
		value: 'FILE',
		help: 'the Sealfile (default: Sealfile, Kubefile, Dockerfile or Containerfile of the context)',
		completes: 'file',
	},
	platform: {
		type: 'list',
		separator: ',',
		value: 'PLATFORM',
		help: 'the platforms to build for; more than one makes an index (default: that of this machine)',
		completes: 'platform',
	},
	'build-arg': {
		type: 'list',
		value: 'NAME=VALUE',
		help: 'a value for ARG; without =VALUE it comes from the environment',
	},
	'build-arg-file': {type: 'list', value: 'FILE', help: 'a file with one NAME=VALUE per line', completes: 'file'},
	label: {type: 'list', value: 'NAME=VALUE', help: 'a label, after those of the Sealfile'},
	env: {type: 'list', value: 'NAME=VALUE', help: 'an environment variable of the image'},
	annotation: {type: 'list', value: 'NAME=VALUE', help: 'an annotation of the manifests and the index'},
	target: {type: 'string', value: 'STAGE', help: 'the stage to build, by name or number (default: the last)'},
	cache: {type: 'boolean', default: true, help: 'use layers of earlier builds'},
	pull: {
		type: 'string',
		value: 'WHEN',
		choices: ['always', 'missing', 'never'],
		implied: 'always',
		default: 'missing',
		help: 'when base images are asked for at their registry',
	},
	xattrs: {
		type: 'boolean',
		default: true,
		help: 'keep user.* attributes and file capabilities of the context',
	},
	'save-image': {type: 'boolean', default: true, help: 'embed the container images that the cluster image needs'},
	agent: {
		type: 'boolean',
		default: true,
		help: 'put the agent that runs on hosts into images of type rootfs',
	},
	...agentFlags,
	lock: {
		type: 'string',
		value: 'FILE',
		help: 'embed images by the digests of this images/lock.json only',
		completes: 'file',
	},
	'dry-run': {type: 'boolean', help: 'print what would be built and what is cached, and build nothing'},
	iidfile: {type: 'string', value: 'FILE', help: 'write the digest of the image to this file', completes: 'file'},
	dest: {
		type: 'string',
		short: 'o',
		value: 'FORMAT:PATH',
		help: 'also write the image to oci-archive:FILE, oci-dir:DIR or docker-archive:FILE',
	},
	timestamp: {
		type: 'integer',
		value: 'SECONDS',
		help: 'the creation time, and the latest time of files, in seconds since 1970 (default: SOURCE_DATE_EPOCH)',
	},
	compression: {
		type: 'string',
		value: 'KIND[:LEVEL]',
		help: 'how layers are compressed: gzip, gzip-stable, zstd or none (default auto: gzip, but plain tar for layers of files that are compressed already)',
	},
	format: {
		type: 'string',
		value: 'FORMAT',
		choices: ['oci', 'docker'],
		default: 'oci',
		help: 'the media types of manifests',
	},
	secret: {
		type: 'list',
		value: 'id=ID,src=FILE',
		help: 'a secret for RUN --mount=type=secret; env=VARIABLE instead of src',
	},
	ignorefile: {
		type: 'string',
		value: 'FILE',
		help: 'the ignore file, instead of those of the context',
		completes: 'file',
	},
	'scratch-config': {
		type: 'string',
		value: 'CONFIG',
		choices: ['empty', 'buildkit'],
		default: 'empty',
		help: "what FROM scratch starts with: nothing, or BuildKit's PATH and working directory",
	},
	compat: {
		type: 'string',
		value: 'TOOL',
		choices: ['buildkit', 'buildah'],
		default: 'buildkit',
		help: 'whose rule to follow where they differ: with buildah, a wildcard that matches nothing is an error',
	},
	jobs: {type: 'integer', value: 'N', minimum: 1, help: 'how many layers to write at once'},
	...registryFlags,
} as const satisfies Flags;
