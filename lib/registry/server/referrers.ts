import type {Descriptor} from '../../oci/descriptor.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import {mediaTypes} from '../../oci/media-types.js';
import type {Answer} from './answer.js';
import {readDigest} from './digest-param.js';
import type {Exchange} from './exchange.js';
import type {RouteOf} from './route.js';

/** What is attached to a manifest. An index in every case: neither the manifest nor the repository need exist (distribution-spec, "Listing Referrers"). */
export async function listReferrers(exchange: Exchange, route: RouteOf<'referrers'>): Promise<Answer> {
	const {parts, path, query, repository} = exchange;
	const all = await parts.storage.referrers(repository, readDigest(route.digest));
	const wanted = query.getAll('artifactType');
	const matching = wanted.length === 0 ? all : all.filter(({artifactType}) => wanted.includes(artifactType ?? ''));
	const {items, last} = pageOf(matching, query.get('last') ?? '');
	const next = new URLSearchParams(query);
	next.set('last', last ?? '');
	return {
		status: 200,
		headers: {
			'content-type': mediaTypes.index,
			...(wanted.length === 0 ? {} : {'oci-filters-applied': 'artifactType'}),
			...(last === undefined ? {} : {link: `<${path}?${next}>; rel="next"`}),
		},
		body: Buffer.from(`{"schemaVersion":2,"mediaType":"${mediaTypes.index}","manifests":[${items.join(',')}]}`),
	};
}

/**
 * As many descriptors behind `after` as fit into an index that every client takes: with the annotations of all that was ever
 * attached, an answer could have any size. `last` is set when there are more.
 */
function pageOf(
	all: readonly Descriptor[],
	after: string,
): {readonly items: readonly string[]; readonly last?: string} {
	const items: string[] = [];
	let lengthBytes = 200;
	let last = '';
	for (const descriptor of all.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))) {
		if (descriptor.digest <= after) continue;
		const item = JSON.stringify(descriptor);
		lengthBytes += Buffer.byteLength(item) + 1;
		if (lengthBytes > maxManifestBytes && items.length > 0) return {items, last};
		items.push(item);
		last = descriptor.digest;
	}
	return {items};
}
