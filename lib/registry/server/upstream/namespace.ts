import {isDigest} from '../../../oci/digest.js';
import {type ImageReference, parseReference} from '../../../oci/reference.js';
import {embeddedRepository, plainRepository} from '../../embed/layout.js';
import type {RegistryStorage} from '../../storage/storage.js';
import {isRepositoryName} from '../names.js';
import {refuse} from '../refusal.js';
import type {Route} from '../route.js';
import {isPullThrough} from './pull-through.js';
import {folderOf, namespaceOfFolder} from './spec.js';

type NamedRoute = Extract<Route, {readonly name: string}>;

/**
 * The repository that containerd means when it asks us in place of the registry `ns`: `docker.io/library/redis`. What is only
 * there under its plain name, as sealos stores images, is read from `library/redis`; by tag only when no other registry has
 * an image of that name and tag here, for a wrong image that runs is worse than a name that is not found.
 * @param mayRead whether the plain name may be read by the one who asks
 * @throws Refusal NAME_INVALID
 */
export async function namespacedRepository(
	storage: RegistryStorage,
	ns: string,
	route: NamedRoute,
	mayRead: (plain: string) => Promise<boolean>,
): Promise<string> {
	const reference = referenceOf(ns, route.name);
	const full = embeddedRepository(reference);
	if (!isRepositoryName(full)) throw refuse('NAME_INVALID');
	const isFetched = isPullThrough(storage) && storage.hasUpstream(reference.domain);
	const local = isFetched ? storage.replica : storage;
	// An upstream knows for sure what its names mean.
	if (local === undefined) return full;
	const plain = plainRepository(reference);
	if (!(await mayRead(plain))) return full;
	if ((await holds(local, full, route)) || !(await holds(local, plain, route))) return full;
	// Replicas that are down cannot say, and then what is here has to do.
	if (isFetched && (await holds(storage, full, route).catch(() => false))) return full;
	if (route.kind !== 'manifest' || isDigest(route.reference)) return plain;
	return (await isClaimed(local, reference, plain, route.reference)) ? full : plain;
}

function referenceOf(ns: string, name: string): ImageReference {
	try {
		const host = /^(?:index|registry-1)\.docker\.io$/.test(ns) ? 'docker.io' : ns;
		const reference = parseReference(`${host}/${name}`);
		if (reference.domain === host) return reference;
	} catch {
		// Said below.
	}
	throw refuse('NAME_INVALID', 'The namespace is no registry', {detail: {ns: ns.slice(0, 300)}});
}

async function holds(storage: RegistryStorage, repository: string, route: NamedRoute): Promise<boolean> {
	switch (route.kind) {
		case 'manifest':
			if (!isDigest(route.reference)) return (await storage.tag(repository, route.reference)) !== undefined;
			return (await storage.manifest(repository, route.reference)) !== undefined;
		case 'blob':
			return isDigest(route.digest) && (await storage.blob(repository, route.digest)) !== undefined;
		case 'referrers':
			return isDigest(route.digest) && (await storage.referrers(repository, route.digest)).length > 0;
		default:
			return (await storage.tags(repository, {limit: 1})) !== undefined;
	}
}

/** Whether another registry has an image of this name and tag here: then the plain name may be that one's. */
async function isClaimed(
	storage: RegistryStorage,
	{domain}: ImageReference,
	plain: string,
	tag: string,
): Promise<boolean> {
	// In a store the plain name is that of Docker Hub.
	for (const folder of new Set(['docker.io', ...(await registryFolders(storage))])) {
		if (folder !== folderOf(domain) && (await storage.tag(`${folder}/${plain}`, tag)) !== undefined) return true;
	}
	return false;
}

interface Folders {
	readonly untilMs: number;
	readonly names: Promise<readonly string[]>;
}

const folders = new WeakMap<RegistryStorage, Folders>();
const keptMs = 10_000;
const maxFolders = 1000;

/** The registries that have repositories here; asked for again after a while. */
async function registryFolders(storage: RegistryStorage): Promise<readonly string[]> {
	const known = folders.get(storage);
	if (known !== undefined && known.untilMs > performance.now()) return await known.names;
	const names = listFolders(storage);
	folders.set(storage, {untilMs: performance.now() + keptMs, names});
	names.catch(() => folders.delete(storage));
	return await names;
}

async function listFolders(storage: RegistryStorage): Promise<readonly string[]> {
	const found: string[] = [];
	for (let after = ''; found.length < maxFolders; ) {
		const [next] = await storage.repositories({after, limit: 1});
		if (next === undefined) break;
		const [folder = next] = next.split('/');
		if (namespaceOfFolder(folder) !== undefined && next !== folder) found.push(folder);
		// "~" sorts behind all that a name may hold: the rest of the folder is passed over.
		after = next === folder ? next : `${folder}/~`;
	}
	return found;
}
