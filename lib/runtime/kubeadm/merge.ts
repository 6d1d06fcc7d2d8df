import {type Fields, isFields, type KubeadmDocument} from './document.js';

/**
 * Lays documents over each other: those that come later count. One of each kind comes out, in the order of their first.
 * All must be of one API version (convert.ts).
 */
export function mergeDocuments(...layers: ReadonlyArray<readonly KubeadmDocument[]>): readonly KubeadmDocument[] {
	const merged = new Map<string, KubeadmDocument>();
	for (const document of layers.flat()) {
		const before = merged.get(document.kind);
		merged.set(document.kind, before === undefined ? document : (mergeFields(before, document) as KubeadmDocument));
	}
	return [...merged.values()];
}

/**
 * Maps are merged deep; `null` takes a field away. Lists whose items have names are merged by them, a few lists that only ever
 * grow are united, and every other list is replaced. So the same document laid over itself changes nothing.
 */
function mergeFields(below: Fields, above: Fields): Fields {
	const merged = new Map(Object.entries(below));
	for (const [name, value] of Object.entries(above)) {
		if (value === null) merged.delete(name);
		else merged.set(name, mergeValue(name, merged.get(name), value));
	}
	return Object.fromEntries(merged);
}

function mergeValue(name: string, below: unknown, above: unknown): unknown {
	if (isFields(above)) return mergeFields(isFields(below) ? below : {}, above);
	if (!Array.isArray(above)) return above;
	if (united.has(name))
		return [...new Set([...(Array.isArray(below) ? (below as unknown[]) : []), ...(above as unknown[])])];
	if (!Array.isArray(below)) return above;
	const keyOf = keys[name];
	if (keyOf === undefined) return above;
	return mergeByKey(below as unknown[], above as unknown[], keyOf);
}

/** What the cluster needs in these must stay, whatever a user adds. */
const united: ReadonlySet<string> = new Set([
	'certSANs',
	'serverCertSANs',
	'peerCertSANs',
	'excludeCIDRs',
	'ignorePreflightErrors',
]);

/** By what the items of a list are known. An empty list of taints means none, and so does ours. */
const keys: Readonly<Record<string, (item: Fields) => string>> = {
	extraArgs: item => String(item.name),
	kubeletExtraArgs: item => String(item.name),
	extraEnvs: item => String(item.name),
	extraVolumes: item => String(item.name),
};

/** An argument may be there several times on purpose: those of the upper list take the place of all of that name below. */
function mergeByKey(
	below: readonly unknown[],
	above: readonly unknown[],
	keyOf: (item: Fields) => string,
): readonly unknown[] {
	if (!below.every(isFields) || !above.every(isFields)) return above;
	const names = new Set(above.map(keyOf));
	return [...below.filter(item => !names.has(keyOf(item))), ...above];
}
