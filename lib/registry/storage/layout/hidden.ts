import type {Descriptor} from '../../../oci/descriptor.js';
import {type Digest, isDigest} from '../../../oci/digest.js';
import {hiddenAnnotation} from '../../../oci/store/layout.js';

/** An entry of `index.json` that does not show `hidden`. */
export function withHidden(entry: Descriptor, hidden: Iterable<Digest>): Descriptor {
	const {[hiddenAnnotation]: _, ...rest} = entry.annotations ?? {};
	const list = [...new Set(hidden)].toSorted();
	if (list.length > 0) return {...entry, annotations: {...rest, [hiddenAnnotation]: list.join(' ')}};
	const {annotations, ...bare} = entry;
	return Object.keys(rest).length === 0 ? bare : {...bare, annotations: rest};
}

/** The digests that an entry must not show, sorted. */
export function hiddenOf(entry: Descriptor): readonly Digest[] {
	const text = entry.annotations?.[hiddenAnnotation];
	return typeof text === 'string' ? text.split(' ').filter(isDigest).toSorted() : [];
}
