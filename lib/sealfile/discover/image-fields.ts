import type {YamlEntry, YamlNode} from '../../core/yaml.js';

/** One place where objects of a kind keep an image reference. */
export interface ImageField {
	/** Kind of the object; `*` is any. */
	readonly kind: string;
	/** Keys from the top of the object; `*` is any key. Lists on the way are gone through. */
	readonly path: readonly string[];
}

/**
 * Reads the label `sealimage.io/image-fields`: fields separated by commas or white space, each `Kind.key.key...`, such as
 * `Prometheus.spec.baseImage *.spec.sidecar.image`. `*` stands for any kind or key, `\.` for a dot inside a key, and
 * lists on the way are gone through. The value there may be a reference, a list of them, or a mapping with `repository`
 * and `tag`. Fields without a key are left out and named in `invalid`.
 */
export function parseImageFields(text: string): {fields: readonly ImageField[]; invalid: readonly string[]} {
	const fields: ImageField[] = [];
	const invalid: string[] = [];
	for (const word of text.split(/[\s,]+/).filter(part => part !== '')) {
		const [kind = '', ...path] = word
			.replaceAll('\\.', '\0')
			.split('.')
			.map(part => part.replaceAll('\0', '.').replace(/\[\*?\]$/, ''));
		if (kind === '' || path.length === 0 || path.includes('')) invalid.push(word);
		else fields.push({kind, path});
	}
	return {fields, invalid};
}

/** The nodes at the fields that apply to an object of this kind. */
export function nodesAt(object: YamlNode, kind: string, fields: readonly ImageField[]): readonly YamlNode[] {
	return fields
		.filter(field => field.kind === '*' || field.kind === kind)
		.flatMap(field =>
			// Aliases can lead to one node on many ways; each node is looked at once per step.
			field.path.reduce<readonly YamlNode[]>(
				(nodes, key) => [...new Set(nodes.flatMap(node => step(node, key)))],
				[object],
			),
		)
		.flatMap(node => (node.kind === 'sequence' ? node.items : [node]));
}

function step(node: YamlNode, key: string): readonly YamlNode[] {
	const mappings = node.kind === 'sequence' ? node.items : [node];
	return mappings.flatMap(mapping =>
		mapping.kind === 'mapping' ? mapping.entries.filter(entry => matches(entry, key)).map(entry => entry.value) : [],
	);
}

function matches(entry: YamlEntry, key: string): boolean {
	return key === '*' || (entry.key.kind === 'scalar' && entry.key.value === key);
}
