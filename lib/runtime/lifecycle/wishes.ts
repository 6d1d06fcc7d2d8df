import type {Abortable} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {Digest} from '../../oci/digest.js';
import {parsePlatform} from '../../oci/platform.js';
import {accessDigest, certificatesDigest, documentsDigest} from '../control/describe.js';
import {readPlannedImage} from '../distribute/image.js';
import {distinctBlobs, type PlannedImage, planImage} from '../distribute/plan.js';
import {stageDigest} from '../rootfs/sources.js';
import {wishDigest} from '../rootfs/wish.js';
import type {HostState} from '../state/host-state.js';
import type {OperateOptions} from './operate-request.js';
import {imagesFor} from './plan-images.js';
import type {PlanWishes} from './request.js';
import type {ClusterSetting, SettingHost} from './setting.js';

/**
 * What is wished of hosts, as digests; each is made once. How much content hosts lack is read from what they say that they have.
 * @throws SealError ERR_IMAGE_UNKNOWN, ERR_PLATFORM, ERR_MANIFEST_INVALID, ERR_CONTENT_MISSING when the store has not what would be moved
 */
export async function wishesFor(
	setting: ClusterSetting,
	states: ReadonlyMap<string, HostState>,
	{store, root}: Pick<OperateOptions, 'store' | 'root'>,
	options: Abortable,
): Promise<PlanWishes> {
	const missing = await missingBytes(setting, states, store, options);
	const staged = new Map<string, Digest>();
	const wished = new Map<string, Digest>();
	return {
		wishOf: host => once(wished, host.name, () => wishDigest(setting, host, states.get(host.name)!.facts, root)),
		documentsOf: host => documentsDigest(setting, host),
		certificatesOf: host => certificatesDigest(setting, host),
		accessObjects: accessDigest(),
		stageFrom: (host, place) => once(staged, `${host.name}\n${place}`, () => stageDigest(setting, host, place)),
		bytesMissing: host => missing.get(host.name),
	};
}

function once(known: Map<string, Digest>, key: string, make: () => Digest): Digest {
	const found = known.get(key) ?? make();
	known.set(key, found);
	return found;
}

/** Hosts of one platform that lack the same images in the same role lack the same bytes. */
async function missingBytes(
	setting: ClusterSetting,
	states: ReadonlyMap<string, HostState>,
	store: OperateOptions['store'],
	options: Abortable,
): Promise<ReadonlyMap<string, number>> {
	const planned = new Map<string, Promise<PlannedImage>>();
	const plan = (name: string, platform: string): Promise<PlannedImage> => {
		const key = `${platform} ${name}`;
		const found = planned.get(key) ?? readPlannedImage(store, name, parsePlatform(platform), options);
		planned.set(key, found);
		return found;
	};
	const known = new Map<string, number>();
	const count = async (host: SettingHost): Promise<readonly (readonly [string, number])[]> => {
		const state = states.get(host.name);
		if (state === undefined) return [];
		const lacked = imagesFor(setting, host).filter(
			({name, platforms}) => state.images?.[name]?.manifest !== platforms[host.platform]?.manifest,
		);
		if (lacked.length === 0) return [[host.name, 0]];
		const key = JSON.stringify([host.platform, host.roles, lacked.map(({name}) => name)]);
		let bytes = known.get(key);
		if (bytes === undefined) {
			const images: PlannedImage[] = [];
			for (const {name} of lacked) images.push(await plan(name, host.platform));
			const blobs = distinctBlobs(images.map(image => planImage(image, host.roles)));
			bytes = blobs.reduce((sum, {descriptor}) => sum + descriptor.size, 0);
			known.set(key, bytes);
		}
		return [[host.name, bytes]];
	};
	return new Map((await mapBounded(setting.hosts, 8, count, options)).flat());
}
