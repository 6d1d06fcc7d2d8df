import {join} from 'node:path';
import {type Digest, isDigest} from '../../oci/digest.js';
import {digestPath} from '../content/folder.js';
import {chainIdOf} from '../content/tree.js';
import type {Answers} from '../facts/answers.js';
import {kubernetesPlaces, units} from './host-script.js';
import type {HostKubernetes, HostState, ObservedImage} from './host-state.js';
import {parseJournal} from './journal.js';
import {parseMember} from './member.js';
import {unpackState} from './parse-state.js';
import {isObject} from './shape.js';

/** What a host says beside its facts, and what of it cannot be used. */
export interface ObservedHost extends Omit<HostState, 'facts'> {
	/** It has a file for the state of the cluster that holds none. */
	readonly hasBrokenState: boolean;
}

/** Reads the answers to `hostScript`. Whatever they are, there is a result; what is none of ours is absent. */
export function readHost(answers: Answers, root: string): ObservedHost {
	const member = parsed(fileOf(answers, 'member'), bytes => parseMember(bytes.toString()));
	const state = parsed(fileOf(answers, 'state'), unpackState);
	const journal = fileOf(answers, 'journal');
	return {
		...(member === undefined ? {} : {member}),
		journal: journal === undefined ? {} : parseJournal(journal.toString()),
		kubernetes: readKubernetes(answers),
		...(state === undefined ? {} : {state}),
		images: readImages(answers, root),
		hasBrokenState: state === undefined && answers.said('state').length > 0,
	};
}

function readKubernetes(answers: Answers): HostKubernetes {
	const said = answers.said('unit').map(line => (/^[a-z-]{1,40}$/.test(line) ? line : 'unknown'));
	// One line for each, or systemctl could not say.
	const of = (unit: (typeof units)[number]): string =>
		said.length === units.length ? said[units.indexOf(unit)]! : 'unknown';
	const there = new Set(answers.said('there'));
	const [ready, url = ''] = answers.said('api')[0]?.split(' ') ?? [];
	return {
		kubelet: of('kubelet.service'),
		containerd: of('containerd.service'),
		registry: of('sealimage-registry.service'),
		balancer: of('sealimage-lb.service'),
		hasAdminConf: there.has(kubernetesPlaces.adminConf),
		hasKubeletConf: there.has(kubernetesPlaces.kubeletConf),
		hasKubeletConfig: there.has(kubernetesPlaces.kubeletConfig),
		manifests: answers
			.said('manifest')
			.filter(name => /^[\w.-]{1,253}$/.test(name))
			.slice(0, 1000),
		hasEtcdData: there.has(kubernetesPlaces.etcdData),
		...(ready === undefined ? {} : {apiReady: ready === 'ok'}),
		...(/^https:\/\/(?:[\d.]{7,15}|\[[\da-f:.]{2,45}\]):\d{1,5}$/i.test(url) ? {apiUrl: url} : {}),
	};
}

const maxImages = 1000;

/** By name; the one that was unpacked last counts, as on the host. */
function readImages(answers: Answers, root: string): Readonly<Record<string, ObservedImage>> {
	const found: {readonly name: string; readonly image: ObservedImage; readonly atMs: number}[] = [];
	for (let number = 1; number <= maxImages; number++) {
		const bytes = fileOf(answers, `image-${number}`);
		const image = bytes === undefined ? undefined : parseImage(bytes.toString(), root);
		if (image !== undefined) found.push(image);
	}
	found.sort((a, b) => a.atMs - b.atMs);
	return Object.fromEntries(found.map(({name, image}) => [name, image]));
}

function parseImage(
	content: string,
	root: string,
): {readonly name: string; readonly image: ObservedImage; readonly atMs: number} | undefined {
	const value = parseJson(content);
	if (!isObject(value)) return undefined;
	const {name, manifest, layers, unpackedAtMs} = value;
	if (typeof name !== 'string' || name.length > 1024 || !isDigest(manifest) || !Number.isFinite(unpackedAtMs))
		return undefined;
	if (!Array.isArray(layers)) return undefined;
	const diffIds = layers.map((layer: unknown) => (isObject(layer) ? layer.diffId : undefined));
	if (!diffIds.every(isDigest)) return undefined;
	// Made from digests: what a host writes there is not used as a path.
	const tree = join(root, digestPath('trees', chainIdOf(diffIds as readonly Digest[])));
	return {name, image: {manifest, tree}, atMs: unpackedAtMs as number};
}

function parseJson(content: string): unknown {
	try {
		return JSON.parse(content);
	} catch {
		return undefined;
	}
}

function parsed<T>(bytes: Buffer | undefined, read: (bytes: Buffer) => T | undefined): T | undefined {
	return bytes === undefined ? undefined : read(bytes);
}

/** Undefined for a file that is not there, is too long, or does not come as base64. */
function fileOf(answers: Answers, tag: string): Buffer | undefined {
	const lines = answers.said(tag);
	if (lines.length === 0 || !lines.every(line => /^[A-Za-z0-9+/]+={0,2}$/.test(line))) return undefined;
	return Buffer.from(lines.join(''), 'base64');
}
