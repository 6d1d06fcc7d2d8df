import {SealError} from '../../core/errors.js';
import type {ClusterImage, ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import {isVariableName} from '../transport/environment.js';

/** Values by the names of variables. */
export type Environment = Readonly<Record<string, string>>;

type ImageEnv = Pick<ClusterImage, 'env' | 'given'>;

/**
 * What templates and commands of images get on a host. Each counts more than the one before: `below` (images that these stand on), the
 * images themselves, the cluster, the host, what was given when an image was run, and what sealimage says itself under names that
 * nobody else may set. Without a host: what is the same on all of them.
 */
export function environmentOf(
	setting: Pick<ClusterSetting, 'name' | 'env' | 'version' | 'network'>,
	host: Pick<SettingHost, 'env' | 'roles'> | undefined,
	images: readonly ImageEnv[],
	below: readonly ImageEnv[] = [],
): Environment {
	const said = [setting.env, host?.env ?? {}, ...images.map(({given}) => given ?? {})];
	const {text} = setting.version;
	const {virtualAddress, apiPort, pods, services} = setting.network;
	return {
		...Object.assign({}, ...[...below, ...images].map(({env}) => env)),
		...Object.assign({}, ...said.map(withoutOurs)),
		SEALIMAGE_CLUSTER: setting.name,
		SEALIMAGE_KUBERNETES_VERSION: text,
		SEALIMAGE_API_HOST: virtualAddress,
		SEALIMAGE_API_PORT: String(apiPort),
		SEALIMAGE_POD_NETWORK: pods.join(','),
		SEALIMAGE_SERVICE_NETWORK: services.join(','),
		SEALOS_SYS_KUBE_VERSION: text,
		SEALOS_SYS_SEALOS_VERSION: contractVersion,
		...(host === undefined ? {} : {SEALIMAGE_ROLES: host.roles.join(','), SEALOS_SYS_RUN_MODE: host.roles.join(',')}),
	};
}

/** Names that users set in vain: ours, those of sealos, and what every command gets from us. */
export function isOurs(name: string): boolean {
	return /^(?:SEALIMAGE_|SEALOS_SYS_)/.test(name) || name === 'PATH' || name === 'KUBECONFIG';
}

/** What of an environment a process can be given. Names that no shell has remain for templates and `$(NAME)`. */
export function exportable(env: Environment): Environment {
	return Object.fromEntries(Object.entries(env).filter(([name]) => isVariableName(name)));
}

/**
 * Refuses an environment that no Linux starts a process with.
 * @throws SealError ERR_ENVIRONMENT; names the variable and never its value
 */
export function checkEnvironment(env: Environment, limitBytes = maxBytes): void {
	let sizeBytes = 0;
	for (const [name, value] of Object.entries(env)) {
		const own = Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
		sizeBytes += own;
		if (value.includes('\0')) throw refuse(`The variable ${name} holds a NUL character`, 'Take it out.');
		if (own > maxValueBytes)
			throw refuse(`The variable ${name} has ${own} bytes, at most ${maxValueBytes} are possible`, inFile);
	}
	if (sizeBytes > limitBytes)
		throw refuse(`The variables have ${sizeBytes} bytes together, at most ${limitBytes} are possible`, inFile);
}

/** Refuses a line that is too long once its references are put in. @throws SealError ERR_ENVIRONMENT */
export function checkLine(line: string): void {
	const sizeBytes = Buffer.byteLength(line);
	if (sizeBytes <= maxValueBytes - lineRoomBytes) return;
	throw refuse(`A line has ${sizeBytes} bytes with its variables put in, and no shell can be given so much`, inFile);
}

/**
 * The sealos whose rules for images are kept, for scripts that ask. No version of ours: a newer sealimage would then have to run
 * everything again.
 */
const contractVersion = '5.0.1';
/** Linux, MAX_ARG_STRLEN: 128 KiB for one string. */
const maxValueBytes = 120 * 1024;
/** For the name of the variable that a line travels in. */
const lineRoomBytes = 100;
/** All strings may have a quarter of the stack, 2 MiB mostly; the host has variables of its own. */
const maxBytes = 1024 * 1024;
const inFile = 'Put long values into a file of the image, by a Config.';

function withoutOurs(env: Environment): Environment {
	return Object.fromEntries(Object.entries(env).filter(([name]) => !isOurs(name)));
}

function refuse(message: string, hint: string): SealError {
	return new SealError('ERR_ENVIRONMENT', message, {hint});
}
