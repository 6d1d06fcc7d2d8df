import type {Digest} from '../../../lib/oci/digest.js';
import {parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';
import type {PlanWishes} from '../../../lib/runtime/lifecycle/request.js';
import type {ClusterImage, ClusterSetting, SettingHost} from '../../../lib/runtime/lifecycle/setting.js';
import {digestOfValue} from '../../../lib/runtime/plan/plan.js';
import {emptyImage, exampleSetting} from '../../helpers/cluster-state.js';

/** A digest that tells what it is of. */
export const digest = (of: unknown): Digest => digestOfValue(of);

export function host(number: number, role: 'master' | 'node', change: Partial<SettingHost> = {}): SettingHost {
	const name = `10.0.${number >> 8}.${number & 255}`;
	return {
		name,
		nodeName: `h${number}`,
		addresses: [name],
		isMaster: role === 'master',
		platform: 'linux/amd64',
		roles: [role],
		env: {},
		hasCgroupV1: false,
		...change,
	};
}

export function image(
	name: string,
	type: ClusterImage['type'],
	change: Partial<ClusterImage> & {readonly content?: number} = {},
): ClusterImage {
	const {content = 1, ...rest} = change;
	const variant = (platform: string): {readonly manifest: Digest; readonly bytes: number} => ({
		manifest: digest([name, platform, content]),
		bytes: 1000,
	});
	return {
		name,
		digest: digest([name, content]),
		type,
		platforms: {'linux/amd64': variant('linux/amd64'), 'linux/arm64': variant('linux/arm64')},
		...emptyImage,
		command: type === 'application' ? [`bash run-${name}`] : [],
		...rest,
	};
}

export function rootfs(minor: number, change: Parameters<typeof image>[2] = {}): ClusterImage {
	return image(`kubernetes:v1.${minor}.2`, 'rootfs', {kubernetes: `v1.${minor}.2`, ...change});
}

export interface SettingParts {
	readonly masters: readonly number[];
	readonly nodes: readonly number[];
	readonly minor?: number;
	/** Beside the rootfs. */
	readonly images?: readonly ClusterImage[];
}

export function setting({masters, nodes, minor = 30, images = []}: SettingParts): ClusterSetting {
	const hosts = [...masters.map(number => host(number, 'master')), ...nodes.map(number => host(number, 'node'))];
	return exampleSetting(hosts, {
		name: 'default',
		version: parseKubernetesVersion(`v1.${minor}.2`),
		images: [rootfs(minor), ...images],
	});
}

/** Wishes that follow from the setting as real ones do: a master's certificates depend on all masters, what is prepared on the images. */
export function wishesOf(wanted: ClusterSetting, leaving: readonly SettingHost[] = []): PlanWishes {
	const left = new Set(leaving.map(({name}) => name));
	const masters = wanted.hosts.filter(({isMaster, name}) => isMaster && !left.has(name)).map(({name}) => name);
	const base = digest(wanted.images.filter(({type}) => type !== 'application').map(one => one.digest));
	return {
		wishOf: ({platform}) => digest(['wish', base, platform]),
		documentsOf: ({nodeName, isMaster}) => digest(['documents', wanted.version.text, nodeName, isMaster]),
		certificatesOf: ({nodeName, isMaster}) => digest(['certificates', nodeName, isMaster ? masters : []]),
		accessObjects: digest('access'),
		stageFrom: ({env}, place) => digest(['stage', place, {...wanted.env, ...env}]),
		bytesMissing: ({isMaster}) => (isMaster ? 2000 : 1000),
	};
}
