import type {Flags} from './command.js';
import {hostFlags, loginFlags} from './host-flags.js';

/** How to log in to the hosts of a cluster, with the names that users of sealos know beside our own. */
export const clusterLoginFlags = {
	...loginFlags,
	passwd: {
		type: 'string',
		short: 'p',
		value: 'PASSWORD',
		help: 'the password of the login; others on this machine can read it while the command runs, which --password-file and SEALIMAGE_SSH_PASSWORD spare you',
		completes: 'none',
	},
	pk: {type: 'list', value: 'FILE', help: 'as --identity', completes: 'file'},
	'pk-passwd': {
		type: 'string',
		value: 'PASSPHRASE',
		help: 'the passphrase of encrypted keys; better in --passphrase-file or SEALIMAGE_SSH_PASSPHRASE',
		completes: 'none',
	},
} as const satisfies Flags;

/** Which cluster a command is about. */
export const clusterNameFlag = {
	cluster: {
		type: 'string',
		short: 'c',
		value: 'NAME',
		default: 'default',
		help: 'the name of the cluster',
		completes: 'none',
	},
} as const satisfies Flags;

/** Hosts by their part in a cluster. */
export const memberFlags = {masters: hostFlags.masters, nodes: hostFlags.nodes} as const satisfies Flags;

/** How far a command that changes a cluster goes. */
export const changeFlags = {
	yes: {type: 'boolean', short: 'y', help: 'do not ask'},
	'dry-run': {type: 'boolean', help: 'show what would be done, and change nothing'},
	ignore: {
		type: 'list',
		separator: ',',
		value: 'ID',
		help: 'findings about hosts that are known, by the name in brackets',
	},
} as const satisfies Flags;

/** What a cluster is like, beyond its hosts and images. */
export const settingFlags = {
	env: {
		type: 'list',
		short: 'e',
		value: 'NAME=VALUE',
		help: 'a variable for scripts, templates and applications of the images; NAME alone takes its value from here',
		completes: 'none',
	},
	cmd: {
		type: 'list',
		value: 'LINE',
		help: 'run this in place of the CMD of the first application; several are run one after the other',
		completes: 'none',
	},
	'config-file': {
		type: 'list',
		value: 'FILE',
		help: 'changes of files in images (kind Config) and documents of kubeadm, as a Clusterfile has them',
		completes: 'file',
	},
	address: {
		type: 'list',
		value: 'HOST=ADDRESS[,ADDRESS]',
		help: 'under which of its addresses a host is known in the cluster, one for each family (default: the one you reach it by, else that of its default route)',
		completes: 'none',
	},
	'virtual-address': {
		type: 'string',
		value: 'ADDRESS',
		help: 'under which every node reaches the API servers (default: 10.103.97.2, or fd00:103:97::2)',
		completes: 'none',
	},
	'proxy-mode': {
		type: 'string',
		value: 'MODE',
		choices: ['iptables', 'nftables', 'ipvs'],
		help: 'how kube-proxy works (default: what Kubernetes and the kernels of the hosts can do)',
	},
	wait: {type: 'boolean', help: 'wait until what the applications brought is ready, too'},
} as const satisfies Flags;

/** How clusters and their hosts are explained in help. */
export const clusterHelp =
	'Hosts are [USER@]HOST[:PORT], ranges as 10.0.0.5-10.0.0.9, or local for this machine. Everything that will be done is shown first and asked for. Whatever interrupts the work, the same command goes on where it ended. Ctrl-C stops when what runs is done, a second one at once.';
