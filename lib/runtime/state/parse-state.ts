import {isIP} from 'node:net';
import {gunzipSync} from 'node:zlib';
import {isDigest} from '../../oci/digest.js';
import type {ClusterState} from './cluster-state.js';
import {isClusterId, isClusterName} from './names.js';
import {fields, json, listOf, mapOf, oneOf, optional, type Shape, text, whole} from './shape.js';

/** Of the text of a state. */
export const maxStateBytes: number = 8 * 1024 * 1024;

/**
 * The state of a cluster in a text that came from anywhere; undefined when it is none. What is in it decides which hosts are
 * logged in to and what runs there, so every field that is used has its form.
 */
export function parseClusterState(content: string | Uint8Array): ClusterState | undefined {
	if (content.length > maxStateBytes) return undefined;
	try {
		const value: unknown = JSON.parse(typeof content === 'string' ? content : Buffer.from(content).toString());
		return isClusterState(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

/** As `parseClusterState`, of bytes that may be packed with gzip; what unpacks to more than states have is none. */
export function unpackState(bytes: Uint8Array): ClusterState | undefined {
	if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return parseClusterState(bytes);
	try {
		return parseClusterState(gunzipSync(bytes, {maxOutputLength: maxStateBytes}));
	} catch {
		return undefined;
	}
}

export function isClusterState(value: unknown): value is ClusterState {
	return clusterState(value) && reachIsOfHosts(value as ClusterState);
}

const maxHosts = 16_384;
const maxImages = 1000;
const maxFiles = 20_000;
/** More writings than a cluster sees in a thousand years; a host cannot claim a number that no other comes after. */
const maxGeneration = 1e9;

const digest: Shape = value => typeof value === 'string' && isDigest(value);
const address: Shape = value => typeof value === 'string' && isIP(value) !== 0;
/** Printed, and part of commands as one word: nothing that moves a cursor. */
const word = text(512, /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u);
const words = listOf(word, 1000);
const line = text(64 * 1024, /^[^\0]*$/);
const lines = listOf(line, 1000);
const environment = mapOf(text(256, /^[A-Za-z_]\w*$/), line, 10_000);
const platform = text(64, /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/);
const relativePath: Shape = value =>
	text(4096, /^[^/\0][^\0]*$/)(value) && !(value as string).split('/').includes('..');

const file = fields({
	path: relativePath,
	kind: oneOf('file', 'link', 'folder'),
	mode: whole(0, 0o7777),
	sizeBytes: whole(0, Number.MAX_SAFE_INTEGER),
	target: optional(text(4096, /^[^\0]*$/)),
});

const kubeadmDocument = (value: unknown): boolean => fields({apiVersion: word, kind: word})(value) && json(32)(value);

const config = fields({
	name: line,
	match: line,
	path: line,
	strategy: oneOf('override', 'merge', 'insert', 'append'),
	data: text(maxStateBytes),
});

const image = fields({
	name: word,
	digest,
	type: oneOf('rootfs', 'patch', 'application'),
	kubernetes: optional(word),
	platforms: mapOf(platform, fields({manifest: digest, bytes: whole(0, Number.MAX_SAFE_INTEGER)}), 32),
	env: environment,
	given: optional(environment),
	entrypoint: lines,
	command: lines,
	hooks: mapOf(word, line, 100),
	kubeadm: listOf(kubeadmDocument, 100),
	configs: listOf(config, 1000),
	files: mapOf(platform, listOf(file, maxFiles), 32),
});

const host = fields({
	name: word,
	nodeName: text(253, /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/),
	addresses: listOf(address, 8),
	isMaster: oneOf(true, false),
	platform,
	roles: words,
	env: environment,
	hasCgroupV1: oneOf(true, false),
});

const setting = fields({
	name: value => typeof value === 'string' && isClusterName(value),
	id: value => typeof value === 'string' && isClusterId(value),
	version: fields({
		text: text(100, /^v1\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/),
		minor: whole(0, 999),
		patch: whole(0, 999),
		pre: optional(word),
	}),
	network: fields({
		pods: listOf(word, 2),
		services: listOf(word, 2),
		dnsDomain: text(253, /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/),
		apiPort: whole(1, 65_535),
		virtualAddress: address,
	}),
	proxyMode: oneOf('iptables', 'nftables', 'ipvs'),
	keyAlgorithm: oneOf('ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'),
	apiNames: words,
	hosts: listOf(host, maxHosts),
	images: listOf(image, maxImages),
	env: environment,
	configs: listOf(config, 1000),
	kubeadm: listOf(kubeadmDocument, 100),
});

const reach = fields({
	address: text(255, /^[A-Za-z0-9_][\w.:%-]*$/),
	port: optional(whole(1, 65_535)),
	user: optional(text(256, /^[^\s\p{Cc}:/-][^\s\p{Cc}:/]*$/u)),
	jumps: optional(listOf(text(600, /^[^-\s\p{Cc}][^\s\p{Cc}]*$/u), 16)),
	identityFiles: optional(listOf(text(4096, /^[^\0]+$/), 100)),
});

const clusterState = fields({
	schema: oneOf(1),
	generation: whole(0, maxGeneration),
	writtenBy: word,
	setting,
	reach: mapOf(word, reach, maxHosts),
	done: mapOf(word, digest, 100_000),
});

/** Hosts have names of their own, and nobody is reached who is no host. */
function reachIsOfHosts({setting: {hosts}, reach: ways}: ClusterState): boolean {
	const names = new Set(hosts.map(({name}) => name));
	return names.size === hosts.length && Object.keys(ways).every(name => names.has(name));
}
