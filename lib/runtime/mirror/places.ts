/** Where the registry of a host has its files. Nothing else belongs to it, and `registry remove` takes all of them away. */
export const places = {
	agent: '/opt/sealimage/bin/sealimage-agent',
	config: '/etc/sealimage/registry.json',
	authority: '/etc/sealimage/registry/ca.crt',
	/** On masters alone. */
	authorityKey: '/etc/sealimage/registry/ca.key',
	certificate: '/etc/sealimage/registry/tls.crt',
	key: '/etc/sealimage/registry/tls.key',
	/** Who may read from this host: bcrypt. */
	htpasswd: '/etc/sealimage/registry/htpasswd',
	/** With what this host reads from the others. */
	login: '/etc/sealimage/registry/login.json',
	unit: '/etc/systemd/system/sealimage-registry.service',
	hostsToml: '/etc/containerd/certs.d/_default/hosts.toml',
	content: '/var/lib/sealimage/registry',
} as const;

export const unitName = 'sealimage-registry.service';
export const service = {unit: unitName, failure: 'ERR_MIRROR_INSTALL'} as const;

/** On loopback of every host, and on the address of masters. */
export const defaultRegistryPort = 5443;
