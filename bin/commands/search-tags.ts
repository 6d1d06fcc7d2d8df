import {compareVersions} from '../../lib/core/version-order.js';
import {shortReference} from '../../lib/oci/reference.js';
import {formatPlace, type Place} from '../../lib/registry/place/parse.js';
import {listPlaceTags} from '../../lib/registry/place/tags.js';
import {defineCommand} from '../command.js';
import {placeHelp, readPlace, withOpenPlace} from '../places.js';
import {credsFlag, registryFlags} from '../registry-flags.js';
import {printable} from '../render/text.js';

export const command = defineCommand({
	description: `A name without a prefix is a repository in a registry, Docker Hub without a host. ${placeHelp} Of a folder or archive all names are listed.`,
	operands: [{name: 'REPOSITORY', help: 'the repository, without a tag', completes: 'place'}],
	flags: {
		filter: {type: 'list', value: 'PATTERN', help: 'only tags that match one of these, with * and ?'},
		sort: {
			type: 'string',
			value: 'ORDER',
			choices: ['version', 'name'],
			default: 'version',
			help: 'in the order of versions, the newest last, or in that of the alphabet',
		},
		limit: {type: 'integer', value: 'N', minimum: 1, help: 'only the last N'},
		...registryFlags,
		...credsFlag,
	},
	examples: [
		{about: 'The newest five', line: 'sealimage search-tags --limit 5 registry.k8s.io/pause'},
		{about: 'One line of releases', line: "sealimage tags --filter 'v1.30.*' registry.k8s.io/kube-apiserver"},
		{about: 'What a disk brings', line: 'sealimage tags oci-archive:/media/disk/site.tar'},
	],
	async run({operands, flags}, context) {
		const text = operands[0] ?? '';
		const place = readPlace('REPOSITORY', text, 'docker');
		const {signal} = context;
		return await withOpenPlace(place, context, flags, async opened => {
			const tags = await listPlaceTags(opened, {signal});
			const shown = chosen(tags, flags.filter, flags.sort, flags.limit);
			return {
				json: {repository: repositoryName(place), tags: shown},
				text: () => shown.map(tag => printable(shortReference(tag))).join('\n'),
			};
		});
	},
});

function chosen(
	tags: readonly string[],
	filters: readonly string[],
	sort: 'version' | 'name',
	limit: number | undefined,
): readonly string[] {
	const patterns = filters.map(wildcard);
	const matching = tags.filter(tag => patterns.length === 0 || patterns.some(pattern => pattern.test(tag)));
	const sorted = sort === 'version' ? matching.toSorted(compareVersions) : matching;
	return limit === undefined ? sorted : sorted.slice(-limit);
}

function wildcard(pattern: string): RegExp {
	const source = pattern
		.replace(/[.+^${}()|[\]\\]/g, '\\$&')
		.replaceAll('*', '.*')
		.replaceAll('?', '.');
	return new RegExp(`^${source}$`, 's');
}

/** Without the tag that the reader of places adds. */
function repositoryName(place: Place): string {
	const text = formatPlace(place);
	return place.kind === 'docker' || place.kind === 'store' ? text.replace(/(?:@.*|:[^/:]*)$/, '') : text;
}
