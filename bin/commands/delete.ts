import {hasCode, SealError} from '../../lib/core/errors.js';
import {isContentDeleter} from '../../lib/oci/content.js';
import {isDigest} from '../../lib/oci/digest.js';
import {openPlace} from '../../lib/registry/place/open.js';
import type {OpenPlace} from '../../lib/registry/place/options.js';
import {formatPlace, type Place} from '../../lib/registry/place/parse.js';
import {deleteHosts} from '../../lib/runtime/lifecycle/operate.js';
import {agentFlags} from '../agent-flags.js';
import {changeFlags, clusterLoginFlags, clusterNameFlag, memberFlags} from '../cluster-flags.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {workOnHosts} from '../host-work.js';
import {credentialsFor, readPlace, withPlaces} from '../places.js';
import {credsFlag, registryFlags} from '../registry-flags.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'With --masters and --nodes hosts leave a cluster: work moves off them, masters leave etcd, and the hosts are put back as they were found; a host that does not answer is taken out all the same. Without them images of registries are deleted. With a tag only the tag goes: the image stays under its digest and its other tags. With a digest the manifest goes, and every tag that points at it. The bytes go when the registry collects its garbage. Some registries do not delete tags, or do not delete at all, and say so. For images of the store there is rmi.',
	operands: [
		{
			name: 'PLACE',
			help: 'images in registries: docker://host/name:tag or docker://host/name@digest',
			optional: true,
			variadic: true,
			completes: 'place',
		},
	],
	flags: {
		...registryFlags,
		...credsFlag,
		...memberFlags,
		...clusterNameFlag,
		force: {type: 'boolean', short: 'f', help: 'take out masters although etcd loses its quorum by it'},
		...changeFlags,
		...clusterLoginFlags,
		...agentFlags,
	},
	examples: [
		{about: 'Hosts of a cluster', line: 'sealimage delete --nodes 10.0.0.14,10.0.0.15'},
		{about: 'One tag', line: 'sealimage delete docker://registry.example.com/shop:v1.3'},
		{
			about: 'An image with all its tags, in a script',
			line: 'sealimage delete --yes docker://registry.example.com/shop@sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b',
		},
	],
	async run({operands, flags}, context) {
		const {io} = context;
		if (flags.masters.length + flags.nodes.length > 0) {
			if (operands.length === 0) {
				return await workOnHosts('delete', flags, context, ({name, hosts}, options) =>
					deleteHosts({name, hosts: hosts.map(({target}) => target)}, options),
				);
			}
			throw new UsageError('delete takes hosts from a cluster or images from registries, found both', {
				hint: 'Run it once for each.',
			});
		}
		if (operands.length === 0) {
			throw new UsageError('Nothing was named to delete', {
				hint: 'Name hosts of a cluster with --masters and --nodes, or images in registries.',
			});
		}
		const places = operands.map(readTarget);
		if (!flags.yes && !flags['dry-run'] && (io.stdin.isTTY !== true || io.stderr.isTTY !== true)) {
			throw new UsageError('delete asks before it removes anything, and this is no terminal', {
				hint: 'Run it with --yes.',
			});
		}
		return await withPlaces(
			context,
			flags,
			async options => {
				const found: Found[] = [];
				try {
					for (const place of places) found.push(await find(await openPlace(place, options)));
					const deleted: Found[] = [];
					for (const image of flags['dry-run'] ? [] : found) {
						if (!flags.yes && !(await context.confirm(question(image)))) continue;
						await remove(image, context);
						deleted.push(image);
					}
					const told = flags['dry-run'] ? found : deleted;
					const did = flags['dry-run'] ? 'would delete' : 'deleted';
					return {
						json: told.map(({name, digest, isTag}) => ({name, digest, kind: isTag ? 'tag' : 'manifest'})),
						text: () =>
							told
								.map(({name, digest, isTag}) => `${did} ${isTag ? `the tag ${name}, which was ${digest}` : name}`)
								.join('\n'),
					};
				} finally {
					for (const {opened} of found) await opened.close();
				}
			},
			credentialsFor(flags.creds, '--creds', places),
		);
	},
});

interface Found {
	readonly opened: OpenPlace;
	readonly name: string;
	readonly digest: string;
	readonly isTag: boolean;
}

function readTarget(text: string): Place {
	const place = readPlace('PLACE', text);
	if (place.kind === 'docker' || place.kind === 'registry-dir') return place;
	const hint =
		place.kind === 'store'
			? `Write sealimage rmi ${text}, or docker://${text} for the image in its registry.`
			: 'Remove the file, or write a new one with what is to stay.';
	throw new UsageError(
		`delete removes images from registries, and ${text} is in ${place.kind === 'store' ? 'the store' : 'a file'}`,
		{hint},
	);
}

/** Every image is looked up before the first one goes: a typo in the third name must not cost the first two. */
async function find(opened: OpenPlace): Promise<Found> {
	const {digest} = await opened.resolve();
	return {opened, name: formatPlace(opened.place), digest, isTag: !isDigest(opened.reference)};
}

function question({name, digest, isTag}: Found): string {
	return isTag
		? `Delete the tag ${name}? The image stays as ${digest}.`
		: `Delete ${name}, and every tag that points at it?`;
}

async function remove({opened, name, digest, isTag}: Found, {signal}: Context): Promise<void> {
	const {content, reference, place} = opened;
	if (!isContentDeleter(content)) throw new UsageError(`Nothing can be deleted from ${formatPlace(place)}`);
	try {
		await content.delete(reference, {signal});
	} catch (error) {
		if (!isTag || !hasCode(error, 'ERR_REGISTRY_UNSUPPORTED')) throw error;
		const {message, details, cause} = error as SealError;
		const whole = name.replace(/:[^:/]*$/, `@${digest}`);
		throw new SealError('ERR_REGISTRY_UNSUPPORTED', message, {
			hint: `Delete the image with all its tags, if that is meant: sealimage delete ${whole}.`,
			details,
			cause,
		});
	}
}
