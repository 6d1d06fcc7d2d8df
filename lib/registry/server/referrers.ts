import {mediaTypes} from '../../oci/media-types.js';
import {type Answer, jsonAnswer} from './answer.js';
import {readDigest} from './digest-param.js';
import type {Exchange} from './exchange.js';
import type {RouteOf} from './route.js';

/** What is attached to a manifest. An index in every case: neither the manifest nor the repository need exist (distribution-spec, "Listing Referrers"). */
export async function listReferrers(exchange: Exchange, route: RouteOf<'referrers'>): Promise<Answer> {
	const {parts, repository, query} = exchange;
	const all = await parts.storage.referrers(repository, readDigest(route.digest));
	const wanted = query.getAll('artifactType');
	const manifests = wanted.length === 0 ? all : all.filter(({artifactType}) => wanted.includes(artifactType ?? ''));
	const filtered: Record<string, string> = wanted.length === 0 ? {} : {'oci-filters-applied': 'artifactType'};
	return jsonAnswer(200, {schemaVersion: 2, mediaType: mediaTypes.index, manifests}, filtered, mediaTypes.index);
}
