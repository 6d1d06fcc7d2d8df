import type {KubernetesVersion} from '../kubeadm/version.js';
import {digestOfValue} from '../plan/plan.js';
import {listing} from '../preflight/check.js';
import {imagesFor} from './plan-images.js';
import {about, type Problem, when} from './problem.js';
import type {ClusterImage, ClusterSetting} from './setting.js';
import type {Situation} from './situation.js';

/** Do the images fit together, and to the cluster that is there? */
export function checkSetting({request: {wanted, known}, first}: Situation): readonly Problem[] {
	// What has not begun can be anything still.
	const before = first === undefined ? known?.setting : undefined;
	return [
		...checkImages(wanted.images),
		...checkPlatforms(wanted),
		...(before === undefined ? [] : [...checkVersion(before.version, wanted.version), ...checkFixed(before, wanted)]),
	];
}

/** Are they a cluster together? */
export function checkImages(images: readonly Pick<ClusterImage, 'name' | 'type'>[]): readonly Problem[] {
	const [first] = images;
	const bases = images.filter(({type}) => type === 'rootfs');
	const twice = images.filter(({name}, index) => images.findIndex(other => other.name === name) !== index);
	return [
		...when(first?.type !== 'rootfs', () => ({
			severity: 'error',
			code: 'ERR_ROOTFS',
			message:
				first === undefined
					? 'There is no image, expected a rootfs'
					: `The first image, ${first.name}, is of the type ${first.type}, expected a rootfs`,
			hint: 'Name an image with Kubernetes first, then patches and applications.',
		})),
		...when(bases.length > 1, () => ({
			severity: 'error',
			code: 'ERR_ROOTFS',
			message: `${listing(bases.map(({name}) => name))} are all of the type rootfs, expected one`,
			hint: 'Name the one image whose Kubernetes the cluster shall run.',
		})),
		...when(twice.length > 0, () => ({
			severity: 'error',
			code: 'ERR_IMAGE_TWICE',
			message: `${listing([...new Set(twice.map(({name}) => name))])} is named twice`,
			hint: 'Name each image once.',
		})),
	];
}

function checkPlatforms(wanted: ClusterSetting): readonly Problem[] {
	const missing = new Map<string, string[]>();
	for (const host of wanted.hosts) {
		for (const {name, platforms} of imagesFor(wanted, host)) {
			if (Object.hasOwn(platforms, host.platform)) continue;
			const there = listing(Object.keys(platforms).sort());
			const message = `${name} is not there for ${host.platform}, but for ${there || 'no platform'}`;
			missing.set(message, [...(missing.get(message) ?? []), host.name]);
		}
	}
	return [...missing].flatMap(([message, hosts]) =>
		about(hosts, {
			severity: 'error',
			code: 'ERR_PLATFORM',
			message,
			hint: 'Build or pull the image for that platform too, or leave these hosts out.',
		}),
	);
}

/** Can one version take the place of another? */
export function checkVersion(before: KubernetesVersion, after: KubernetesVersion): readonly Problem[] {
	if (before.text === after.text) return [];
	const ahead = after.minor - before.minor || after.patch - before.patch;
	const way = `The cluster has Kubernetes ${before.text}, and the rootfs image ${after.text}`;
	const canFollow = ahead >= 0 && after.minor - before.minor <= 1;
	return when(true, () =>
		canFollow
			? {
					severity: 'error',
					code: 'ERR_UPGRADE',
					message: `${way}: clusters are not upgraded by this version of sealimage`,
					hint: `Use a rootfs image of Kubernetes ${before.text}.`,
				}
			: {
					severity: 'error',
					code: 'ERR_VERSION_ORDER',
					message:
						ahead > 0 ? `${way}: one minor may follow another, but none may be left out` : `${way}: nothing leads back`,
					hint: `Use a rootfs image of Kubernetes ${before.text}.`,
				},
	);
}

/** What a cluster is made with, it keeps. */
function checkFixed(before: ClusterSetting, wanted: ClusterSetting): readonly Problem[] {
	const fixed: readonly (readonly [what: string, of: (setting: ClusterSetting) => string])[] = [
		['The network of pods', ({network}) => network.pods.join(',')],
		['The network of services', ({network}) => network.services.join(',')],
		['The DNS domain', ({network}) => network.dnsDomain],
		['The port of the API', ({network}) => String(network.apiPort)],
		['The virtual address', ({network}) => network.virtualAddress],
	];
	const changed = fixed.flatMap(([what, of]): Problem[] =>
		of(before) === of(wanted)
			? []
			: [
					{
						severity: 'error',
						code: 'ERR_CLUSTER_CHANGED',
						hosts: [],
						message: `${what} is ${of(before)} in the cluster, and shall be ${of(wanted)}: it cannot be changed any more`,
						hint: 'Leave it as it is, or reset the cluster and make it anew.',
					},
				],
	);
	const areOthers =
		before.proxyMode !== wanted.proxyMode || digestOfValue(before.kubeadm) !== digestOfValue(wanted.kubeadm);
	return [
		...changed,
		...when(areOthers, () => ({
			severity: 'warning',
			code: 'KubeadmIgnored',
			message: 'The settings of kubeadm are others than those that the cluster was made with',
			hint: 'Change what is in the cluster with kubectl: only hosts that join get the new ones.',
		})),
	];
}
