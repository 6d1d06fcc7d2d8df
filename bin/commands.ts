import type {Command, Verb} from './command.js';

/** Every verb, in the order of the help page. Each command's own file is loaded when it runs. */
export const verbs: readonly Verb[] = [
	verb('Build', 'build', 'Build an image from a Sealfile and a folder', async () => import('./commands/build.js'), [
		'bud',
	]),
	verb('Build', 'lint', 'Check a Sealfile for errors and doubtful habits', async () => import('./commands/lint.js')),
	verb('Build', 'parse', 'Print the syntax tree of a Sealfile', async () => import('./commands/parse.js')),
	verb('Build', 'merge', 'Compose several cluster images into one', async () => import('./commands/merge.js')),
	verb('Images', 'images', 'List the images of the store', async () => import('./commands/images.js'), ['ls']),
	verb('Images', 'inspect', 'Show what an image is and what it carries', async () => import('./commands/inspect.js')),
	verb('Images', 'history', 'Show the steps that made an image', async () => import('./commands/history.js')),
	verb('Images', 'tree', 'Show the files of an image with their sizes', async () => import('./commands/tree.js')),
	verb('Images', 'diff', 'Show what differs between two images', async () => import('./commands/diff.js')),
	verb('Images', 'tag', 'Give an image another name', async () => import('./commands/tag.js')),
	verb(
		'Images',
		'rmi',
		'Remove names of images, and content that no name reaches',
		async () => import('./commands/rmi.js'),
	),
	verb('Images', 'prune', 'Remove content that no name reaches', async () => import('./commands/prune.js')),
	verb('Images', 'verify', 'Read an image whole and check every digest', async () => import('./commands/verify.js')),
	verb('Images', 'create', 'Unpack the files of an image into a folder', async () => import('./commands/create.js')),
	verb('Transport', 'pull', 'Fetch images from registries into the store', async () => import('./commands/pull.js')),
	verb('Transport', 'push', 'Send an image of the store to registries', async () => import('./commands/push.js')),
	verb(
		'Transport',
		'copy',
		'Copy an image between registries, folders, archives and the store',
		async () => import('./commands/copy.js'),
		['cp'],
	),
	verb('Transport', 'login', 'Log in to a registry', async () => import('./commands/login.js')),
	verb('Transport', 'logout', 'Forget the login for a registry', async () => import('./commands/logout.js')),
	verb('Transport', 'save', 'Write images to an archive or folder', async () => import('./commands/save.js')),
	verb('Transport', 'load', 'Read images from an archive or folder', async () => import('./commands/load.js')),
	verb('Registries', 'serve', 'Serve images as a registry', async () => import('./commands/serve.js')),
	verb('Registries', 'search-tags', 'List the tags of a repository', async () => import('./commands/search-tags.js'), [
		'tags',
	]),
	verb(
		'Registries',
		'referrers',
		'Show what refers to an image: signatures, attestations, inventories',
		async () => import('./commands/referrers.js'),
	),
	verb('Registries', 'delete', 'Delete tags or images from a registry', async () => import('./commands/delete.js')),
	verb(
		'Registries',
		'registry list',
		'List repositories and tags of a registry folder',
		async () => import('./commands/registry-list.js'),
		['registry ls'],
	),
	verb(
		'Registries',
		'registry verify',
		'Read a registry folder whole, and mend it',
		async () => import('./commands/registry-verify.js'),
	),
	verb(
		'Registries',
		'registry gc',
		'Remove what no image of a registry folder needs',
		async () => import('./commands/registry-gc.js'),
	),
	verb(
		'Registries',
		'registry prune',
		'Keep the newest tags of each repository',
		async () => import('./commands/registry-prune.js'),
	),
	verb(
		'Indexes',
		'manifest create',
		'Make an index out of images',
		async () => import('./commands/manifest-create.js'),
	),
	verb('Indexes', 'manifest add', 'Add images to an index', async () => import('./commands/manifest-add.js')),
	verb(
		'Indexes',
		'manifest annotate',
		'Change platform and annotations of an index entry',
		async () => import('./commands/manifest-annotate.js'),
	),
	verb('Indexes', 'manifest rm', 'Remove an entry from an index', async () => import('./commands/manifest-rm.js'), [
		'manifest remove',
	]),
	verb(
		'Indexes',
		'manifest inspect',
		'Print a manifest or index as it is stored, wherever it is',
		async () => import('./commands/manifest-inspect.js'),
	),
	verb('Hosts', 'exec', 'Run a command on many hosts', async () => import('./commands/exec.js')),
	verb('Hosts', 'ssh', 'Open a shell on a host, or run one command there', async () => import('./commands/ssh.js')),
	verb('Hosts', 'scp', 'Copy files and folders to hosts, or from them', async () => import('./commands/scp.js')),
	verb(
		'Hosts',
		'distribute',
		'Bring images to hosts, which pass them on to each other',
		async () => import('./commands/distribute.js'),
	),
	verb('Hosts', 'facts', 'Show what hosts are and have', async () => import('./commands/facts.js')),
	verb(
		'Hosts',
		'preflight',
		'Check hosts before anything is installed on them',
		async () => import('./commands/preflight.js'),
	),
	verb('Hosts', 'agent install', 'Put the agent on hosts', async () => import('./commands/agent-install.js')),
	verb('Hosts', 'agent status', 'Show the agents of hosts', async () => import('./commands/agent-status.js')),
	verb('Hosts', 'agent remove', 'Remove the agent from hosts', async () => import('./commands/agent-remove.js'), [
		'agent rm',
	]),
	verb(
		'Hosts',
		'agent fetch',
		'Bring what the agent for hosts needs into the cache, or into a folder',
		async () => import('./commands/agent-fetch.js'),
	),
	verb(
		'Hosts',
		'registry install',
		'Give hosts a registry that all pulls of theirs go through',
		async () => import('./commands/registry-install.js'),
	),
	verb(
		'Hosts',
		'registry status',
		'Show the registries of hosts, and whom they reach',
		async () => import('./commands/registry-status.js'),
	),
	verb('Hosts', 'registry remove', 'Take the registry off hosts', async () => import('./commands/registry-remove.js'), [
		'registry rm',
	]),
	verb('Other', 'config', 'Show every setting and where it comes from', async () => import('./commands/config.js')),
	verb('Other', 'completion', 'Print a completion script for a shell', async () => import('./commands/completion.js')),
	verb(
		'Other',
		'version',
		'Show the versions of sealimage and of what it runs on',
		async () => import('./commands/version.js'),
	),
	verb('Other', 'help', 'Show help for a command', async () => import('./commands/help.js')),
	{
		...verb(
			'Other',
			'__complete',
			'Print completions for a command line',
			async () => import('./commands/complete.js'),
		),
		hidden: true,
	},
];

function verb(
	group: string,
	name: string,
	summary: string,
	load: () => Promise<{readonly command: unknown}>,
	aliases?: readonly string[],
): Verb {
	return {
		name,
		summary,
		group,
		...(aliases === undefined ? {} : {aliases}),
		load: async () => (await load()).command as Command,
	};
}
