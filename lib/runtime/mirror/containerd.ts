import {hasCode} from '../../core/errors.js';
import {parseToml, type TomlTable} from '../../core/toml.js';

const certsDir = '/etc/containerd/certs.d';

/**
 * Why pulls of containerd do not go through the registry of the host, judged by what `containerd config dump` says; undefined
 * when they do.
 * @param dump undefined when there is no containerd, or it does not tell
 */
export function containerdProblem(dump: string | undefined): string | undefined {
	if (dump === undefined) return undefined;
	const registry = registryOf(dump);
	if (registry === 'unreadable') return 'its configuration cannot be read';
	const path = typeof registry.config_path === 'string' ? registry.config_path : '';
	if (path.split(':').includes(certsDir)) return undefined;
	const hasMirrors = Object.keys(tableOf(registry, 'mirrors')).length > 0;
	if (hasMirrors) return 'it has registry.mirrors, which rule out config_path';
	return path === ''
		? `config_path is not set to ${certsDir}`
		: `config_path is ${path.slice(0, 200)}, not ${certsDir}`;
}

/** What to do about it. */
export const containerdHint = `Set config_path = "${certsDir}" in the table of the CRI plugin's registry in /etc/containerd/config.toml, and restart containerd.`;

/** Of containerd 2 (config version 3), else of 1. */
function registryOf(dump: string): TomlTable | 'unreadable' {
	try {
		const plugins = tableOf(parseToml(dump, 'config.toml'), 'plugins');
		const current = tableOf(tableOf(plugins, 'io.containerd.cri.v1.images'), 'registry');
		if (Object.keys(current).length > 0) return current;
		return tableOf(tableOf(plugins, 'io.containerd.grpc.v1.cri'), 'registry');
	} catch (error) {
		if (hasCode(error, 'ERR_TOML')) return 'unreadable';
		throw error;
	}
}

function tableOf(table: TomlTable, key: string): TomlTable {
	const found = Object.hasOwn(table, key) ? table[key] : undefined;
	return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as TomlTable) : {};
}
