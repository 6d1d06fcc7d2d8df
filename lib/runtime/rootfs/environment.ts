import type {ClusterImage, ClusterSetting, SettingHost} from '../lifecycle/setting.js';

/** A name and the value that scripts and templates get for it. */
export type Environment = Readonly<Record<string, string>>;

/**
 * What scripts and templates of images are given on a host: what the images say, then the cluster, then the host; and what
 * sealos tells them under names that nobody else may set.
 */
export function environmentOf(
	setting: Pick<ClusterSetting, 'env' | 'version'>,
	host: Pick<SettingHost, 'env' | 'roles'>,
	images: readonly Pick<ClusterImage, 'env'>[],
): Environment {
	return {
		...Object.assign({}, ...images.map(({env}) => env)),
		...withoutReserved(setting.env),
		...withoutReserved(host.env),
		SEALOS_SYS_KUBE_VERSION: setting.version.text,
		SEALOS_SYS_RUN_MODE: host.roles.join(','),
	};
}

/** Names that users cannot set; images can: the socket of their runtime is told that way. */
function withoutReserved(env: Environment): Environment {
	return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SEALOS_SYS_')));
}

/**
 * A text without the values of variables whose names say that they are secret. Short ones are left: they would be
 * found in words that have nothing to do with them.
 */
export function maskSecrets(text: string, env: Environment): string {
	const secrets = Object.entries(env)
		.filter(([name, value]) => secretName.test(name) && value.length >= 4)
		.flatMap(([, value]) => [value, ...value.split(/\r?\n/).filter(line => line.length >= 4)]);
	// The longest first: one may hold another.
	return secrets
		.toSorted((a, b) => b.length - a.length)
		.reduce((masked, secret) => masked.replaceAll(secret, '[secret]'), text);
}

const secretName = /pass(?:w|phrase|$)|secret|token|credential|private|api_?key|access_?key/i;
