import type {Flags, Operand} from './command.js';

/** Which hosts a command works on. */
export const hostFlags = {
	hosts: {
		type: 'list',
		separator: ',',
		value: 'HOST',
		help: 'hosts as [USER@]HOST[:PORT], ranges as 10.0.0.5-10.0.0.9, or local for this machine',
		completes: 'host',
	},
	masters: {type: 'list', separator: ',', value: 'HOST', help: 'hosts with the role master', completes: 'host'},
	nodes: {type: 'list', separator: ',', value: 'HOST', help: 'hosts with the role node', completes: 'host'},
	'hosts-file': {type: 'list', value: 'FILE', help: 'a file with hosts, # before comments', completes: 'file'},
	cluster: {
		type: 'string',
		short: 'c',
		value: 'NAME',
		help: 'the hosts of a cluster that is known (see "clusters"), of a Clusterfile, or of a cluster of sealos',
		completes: 'file',
	},
	roles: {type: 'list', separator: ',', value: 'ROLE', help: 'only the hosts with one of these roles'},
} as const satisfies Flags;

/** How to log in to hosts, and how many at once. */
export const loginFlags = {
	user: {
		type: 'string',
		short: 'u',
		value: 'USER',
		help: 'log in as this user (default: what ~/.ssh/config says, else root for a Clusterfile, else your own name)',
	},
	port: {type: 'integer', value: 'PORT', minimum: 1, help: 'the port of SSH for hosts without one of their own'},
	identity: {
		type: 'list',
		short: 'i',
		value: 'FILE',
		help: 'a private key to log in with, before those of ~/.ssh/config',
		completes: 'file',
	},
	agent: {type: 'boolean', default: true, help: 'use the keys of the SSH agent'},
	jump: {
		type: 'list',
		short: 'J',
		separator: ',',
		value: 'HOST',
		help: 'reach the hosts through this one; several make a chain',
		completes: 'host',
	},
	'host-key': {
		type: 'string',
		value: 'POLICY',
		choices: ['accept-new', 'strict', 'off'],
		help: 'what to do with keys of hosts: accept-new records the key of an unknown host and refuses a changed one, strict refuses both, off checks nothing (default: what ~/.ssh/config says, else accept-new)',
	},
	'known-hosts': {
		type: 'list',
		value: 'FILE',
		help: 'known keys of hosts, instead of ~/.ssh/known_hosts; new ones go to the first',
		completes: 'file',
	},
	'ssh-config': {type: 'string', value: 'FILE', help: 'instead of ~/.ssh/config; none for none', completes: 'file'},
	'password-file': {type: 'string', value: 'FILE', help: 'the password of the login', completes: 'file'},
	'passphrase-file': {type: 'string', value: 'FILE', help: 'the passphrase of encrypted keys', completes: 'file'},
	'jump-password-file': {
		type: 'string',
		value: 'FILE',
		help: 'the password for jump hosts, when they take no key',
		completes: 'file',
	},
	'sudo-password-file': {
		type: 'string',
		value: 'FILE',
		help: 'the password for sudo, when it is not that of the login',
		completes: 'file',
	},
	ask: {
		type: 'list',
		separator: ',',
		value: 'SECRET',
		choices: ['password', 'passphrase', 'jump-password', 'sudo-password'],
		help: 'ask for this on the terminal before anything is tried; otherwise it is asked for when a host wants it',
	},
	'connect-timeout': {
		type: 'string',
		value: 'TIME',
		help: 'give up a host that does not let us in for so long (default: what ~/.ssh/config says, else 15s)',
	},
	concurrency: {
		type: 'integer',
		value: 'N',
		minimum: 1,
		help: 'how many hosts to work on at once (default: 32, or 128 where hosts of a cluster are only looked at)',
	},
} as const satisfies Flags;

/** For commands that take hosts by operands, too. */
export const hostOperands: readonly Operand[] = [
	{name: 'HOST', help: 'hosts, beside those of the flags', optional: true, variadic: true, completes: 'host'},
];

/** For commands that take their hosts by flags alone. */
export const hostLoginFlags = {...hostFlags, ...loginFlags} as const satisfies Flags;

/** For commands that need root for most of what they are used for. */
export const sudoFlag = {
	sudo: {type: 'boolean', default: true, help: 'be root there, through sudo where the login is another user'},
} as const satisfies Flags;

/** How hosts are written, for descriptions of commands. */
export const hostHelp =
	'Hosts are [USER@]HOST[:PORT] with names, addresses or aliases of ~/.ssh/config, [ADDRESS]:PORT for IPv6, and ranges such as 10.0.0.5-10.0.0.9. Passwords and passphrases come from files, from SEALIMAGE_SSH_PASSWORD, SEALIMAGE_SSH_PASSPHRASE, SEALIMAGE_JUMP_PASSWORD and SEALIMAGE_SUDO_PASSWORD, or are asked for once for all hosts.';
