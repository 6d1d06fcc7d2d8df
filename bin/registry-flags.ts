import type {Flags} from './command.js';

/** How registries are reached; for every command that reads from them. */
export const registryFlags = {
	authfile: {
		type: 'string',
		value: 'FILE',
		help: "logins for registries, as docker and podman keep them (default: REGISTRY_AUTH_FILE, then docker's file, then podman's)",
		completes: 'file',
	},
	insecure: {
		type: 'list',
		value: 'HOST[:PORT]',
		help: 'a registry that may be reached over plain http or with any certificate',
	},
	'cert-dir': {
		type: 'string',
		value: 'DIR',
		help: 'a folder with authorities (*.crt) and client certificates (*.cert, *.key) for all registries (default: the folder of each host in certs.d of podman and docker)',
		completes: 'folder',
	},
	'hosts-dir': {
		type: 'string',
		value: 'DIR',
		help: "containerd's folder of hosts.toml files, such as /etc/containerd/certs.d",
		completes: 'folder',
	},
	'registries-conf': {
		type: 'string',
		value: 'FILE',
		help: "mirrors and rules of registries, as podman has them (default: CONTAINERS_REGISTRIES_CONF, then podman's files)",
		completes: 'file',
	},
} as const satisfies Flags;

/** For commands that speak to one registry, which the credentials are then for. */
export const credsFlag = {
	creds: {
		type: 'string',
		value: 'USER[:PASSWORD]',
		help: 'the login for the registry of this command; without PASSWORD it is asked for on the terminal',
		completes: 'none',
	},
} as const satisfies Flags;
