import {closest} from '../../core/closest.js';
import {SealError} from '../../core/errors.js';
import type {YamlNode} from '../../core/yaml.js';

/** The keys that a map may have, and those below them. For a list the keys are those of its items. */
export type KnownKeys = 'anything' | {readonly [key: string]: KnownKeys};

/**
 * Refuses keys that are not known, with the line and what they might be meant for.
 * @throws SealError ERR_CLUSTERFILE with `details.line`
 */
export function checkKeys(node: YamlNode, known: KnownKeys, shown: string, path = ''): void {
	if (known === 'anything' || node.kind === 'scalar') return;
	if (node.kind === 'sequence') {
		for (const [index, item] of node.items.entries()) checkKeys(item, known, shown, `${path}[${index}]`);
		return;
	}
	for (const {key, value} of node.entries) {
		const name = key.kind === 'scalar' ? key.value : '';
		const here = path === '' ? name : `${path}.${name}`;
		if (!Object.hasOwn(known, name)) {
			const near = closest(name, Object.keys(known));
			const hint = near === undefined ? `Known here are ${Object.keys(known).join(', ')}.` : `Is "${near}" meant?`;
			throw refuse(shown, key, `${here} is no key that is known`, hint);
		}
		checkKeys(value, known[name]!, shown, here);
	}
}

/** The line where the value at a path begins, or that of what is nearest to it. */
export function lineOf(node: YamlNode | undefined, path: ReadonlyArray<string | number>): number | undefined {
	let found = node;
	let line = node?.line;
	for (const step of path) {
		if (found?.kind === 'sequence') found = found.items[Number(step)];
		else if (found?.kind === 'mapping') {
			const entry = found.entries.find(({key}) => key.kind === 'scalar' && key.value === String(step));
			line = entry?.key.line ?? line;
			found = entry?.value;
		} else found = undefined;
		if (found === undefined) return line;
		line = found.kind === 'scalar' ? found.line : line;
	}
	return line;
}

function refuse(shown: string, {line}: YamlNode, why: string, hint: string): SealError {
	return new SealError('ERR_CLUSTERFILE', `${shown}:${line} cannot be used: ${why}`, {hint, details: {line}});
}
