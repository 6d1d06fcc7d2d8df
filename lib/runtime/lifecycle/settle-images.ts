import {parseReference, repositoryOf} from '../../oci/reference.js';
import type {ClusterImage} from './setting.js';
import type {SettleRequest} from './settle.js';

/**
 * The images of the cluster as it shall be: one that is named again takes the place of what has its repository, a rootfs that of the
 * rootfs; others come last, in the order in which they were named.
 */
export function settleImages(request: SettleRequest): readonly ClusterImage[] {
	const named = withWords(request);
	const before = request.known?.setting.images;
	if (before === undefined || request.isWhole === true) return named;
	const kept = before.map(image => named.find(candidate => takesPlace(candidate, image)) ?? image);
	return [...kept, ...named.filter(image => !kept.includes(image))];
}

/** What the user says of images goes into them, so that a later run of another one leaves them as they are. */
function withWords({images, known, isWhole, env = {}, command}: SettleRequest): readonly ClusterImage[] {
	const isJoining = known !== undefined && isWhole !== true && !images.some(({type}) => type === 'rootfs');
	const first = images.find(({type}) => type === 'application');
	return images.map(image => ({
		...image,
		...(isJoining && Object.keys(env).length > 0 ? {given: env} : {}),
		...(image === first && command !== undefined ? {command} : {}),
	}));
}

function takesPlace(image: ClusterImage, before: ClusterImage): boolean {
	if (image.type === 'rootfs' && before.type === 'rootfs') return true;
	return image.type === before.type && repository(image.name) === repository(before.name);
}

/** An image may be known by its digest alone. */
function repository(name: string): string {
	return /^sha(?:256|512):/.test(name) ? name : repositoryOf(parseReference(name));
}
