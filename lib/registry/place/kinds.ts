import {closest} from '../../core/closest.js';

/** The kinds of places in files and folders; each is its own prefix. */
export const fileKinds = ['oci', 'oci-archive', 'docker-archive', 'registry-dir'] as const;
export type FileKind = (typeof fileKinds)[number];

/** What a place may begin with. */
export const placePrefixes: readonly string[] = ['docker://', 'store:', ...fileKinds.map(kind => `${kind}:`)];

/** Why a text that begins with `prefix:` is no place, or undefined when it may be the name of an image (`redis:7`, `host:5000/x`). */
export function foreignPrefix(prefix: string, rest: string): {readonly why: string; readonly hint: string} | undefined {
	const explained = Object.hasOwn(explanations, prefix) ? explanations[prefix] : undefined;
	const isPath = /^[./~]|\//.test(rest) && !/^\d{1,5}\//.test(rest);
	// "dir:7" may be an image; no image is called "docker-daemon".
	if (explained !== undefined && (isPath || prefix.includes('-'))) return explained(rest);
	const near = closest(prefix, [...fileKinds.filter(kind => isPath || kind.includes('-')), 'docker', 'store']);
	if (rest.startsWith('//')) {
		return {
			why: `there is no kind of place called ${prefix}`,
			hint: `Did you mean docker:${rest}? The kinds are ${placePrefixes.join(', ')}.`,
		};
	}
	if (near !== undefined && (isPath || near.includes('-'))) {
		return {
			why: `there is no kind of place called ${prefix}`,
			hint: `Did you mean ${near === 'docker' ? `docker://${rest}` : `${near}:${rest}`}?${isPath ? '' : ` An image of that name is store:${prefix}:${rest}.`}`,
		};
	}
	if (!isPath) return undefined;
	return {
		why: `there is no kind of place called ${prefix}`,
		hint: `The kinds are ${placePrefixes.join(', ')}; a name without one is in the local store.`,
	};
}

type Explanation = (rest: string) => {readonly why: string; readonly hint: string};

/** Places of other tools, with the way to and from them. */
const explanations: Readonly<Record<string, Explanation>> = {
	'containers-storage': () => ({
		why: 'the storage of podman and buildah belongs to them',
		hint: 'Take images out with "podman save --format oci-archive" and put them in with "podman load": oci-archive:FILE is the place between.',
	}),
	'docker-daemon': () => ({
		why: 'what docker holds is reached through docker only',
		hint: 'Take images out with "docker save" and put them in with "docker load": docker-archive:FILE is the place between.',
	}),
	'oci-dir': rest => ({why: 'a folder with an image layout is called oci here', hint: `Write oci:${rest}.`}),
	dir: () => ({why: "skopeo's dir: format keeps no names and no indexes", hint: 'Use an image layout: oci:DIR.'}),
	http: rest => ({why: 'registries are not named by URL', hint: `Write docker:${rest}.`}),
	https: rest => ({why: 'registries are not named by URL', hint: `Write docker:${rest}.`}),
};
