import {join} from 'node:path';

/** A working copy: `rootfs`, or `application/NAME` with the name of the image. */
export type Place = string;

/** The place of the rootfs and the patches over it. */
export const rootfsPlace: Place = 'rootfs';

export function applicationPlace(image: string): Place {
	return `application/${image}`;
}

/**
 * Where a working copy is on a host. A link: it changes from one whole copy to the next at once.
 * @param root where sealimage keeps things on the host
 */
export function stagedFolder(root: string, place: Place): string {
	const [kind = '', ...rest] = place.split('/');
	const name = rest.join('/').replaceAll(/[/:@]/g, '-');
	return join(root, 'work', kind, name);
}

/** Where the copies are that the links lead to. */
export function copiesFolder(root: string): string {
	return join(root, 'work/.copies');
}
