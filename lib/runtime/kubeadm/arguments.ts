import {SealError} from '../../core/errors.js';
import {type Argument, type Fields, isFields} from './document.js';
import type {KubeadmApi} from './minors.js';

/**
 * Arguments of a component as a version of kubeadm's configuration has them: a list since v1beta4, a map before.
 * @throws SealError ERR_KUBEADM_DOCUMENT when one is there twice and the version has maps
 */
export function writeArguments(given: readonly Argument[], api: KubeadmApi, place: string): unknown {
	if (api === 'v1beta4') return given.map(({name, value}) => ({name, value}));
	const map = new Map<string, string>();
	for (const {name, value} of given) {
		if (map.has(name)) {
			throw new SealError('ERR_KUBEADM_DOCUMENT', `${place} has "${name}" twice, which ${api} cannot say`, {
				hint: 'Keep one of them, or use Kubernetes 1.31 or newer.',
			});
		}
		map.set(name, value);
	}
	return Object.fromEntries(map);
}

/** Reads either form. @throws SealError ERR_KUBEADM_DOCUMENT */
export function readArguments(value: unknown, place: string): readonly Argument[] {
	if (Array.isArray(value)) {
		return value.map((item: unknown, index) => {
			if (isFields(item) && typeof item.name === 'string' && isScalar(item.value))
				return {name: item.name, value: String(item.value)};
			throw wrong(`${place}[${index}]`, 'is no argument with a name and a value');
		});
	}
	if (!isFields(value)) throw wrong(place, 'is neither a map nor a list of arguments');
	return Object.entries(value as Fields).map(([name, argument]) => {
		// YAML makes numbers and truths of `65` and `true`; kubeadm wants texts, and means the same.
		if (isScalar(argument)) return {name, value: String(argument)};
		throw wrong(`${place}.${name}`, 'is no text');
	});
}

function isScalar(value: unknown): value is string | number | boolean {
	return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function wrong(place: string, why: string): SealError {
	return new SealError('ERR_KUBEADM_DOCUMENT', `${place} ${why}`, {
		hint: 'Write arguments as "name: value", or as a list of {name, value}.',
	});
}
