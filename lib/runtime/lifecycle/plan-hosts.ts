import type {Digest} from '../../oci/digest.js';
import {shortReference} from '../../oci/reference.js';
import {digestOfValue} from '../plan/plan.js';
import {listing} from '../preflight/check.js';
import type {ActionInputs} from './actions.js';
import type {Draft, Proposal} from './draft.js';
import {applicationImages, baseImages, digestsOf, imagesFor, linesOf, variantsFor} from './plan-images.js';
import type {ClusterImage, SettingHost} from './setting.js';
import {isUp, type Situation} from './situation.js';

/** What is planned on one host, one thing at a time. */
export interface HostChain {
	readonly host: SettingHost;
	readonly journal: Readonly<Record<string, Digest>>;
	/** The last thing that was planned, if any was. */
	last: readonly string[];
}

/**
 * Everything on hosts up to where kubeadm begins: each host at its own pace. Only for the registry and the certificates all wait for
 * those of one master, which has what the others share.
 */
export function planHosts(situation: Situation, draft: Draft): readonly HostChain[] {
	const chains = situation.hosts.map((host): HostChain => ({host, journal: situation.journalOf(host), last: []}));
	for (const chain of chains) takeOver(situation, draft, chain);
	for (const chain of chains) bring(situation, draft, chain);
	for (const chain of chains) stage(situation, draft, chain);
	for (const chain of chains) runHooks(situation, draft, chain, ['check'], 'run check hooks');
	for (const chain of chains) prepare(situation, draft, chain);
	for (const chain of chains) runHooks(situation, draft, chain, ['init-cri', 'init'], 'run init hooks');
	const inTurn = actingFirst(chains, situation.acting);
	for (const chain of inTurn) setUpRegistry(situation, draft, chain);
	for (const chain of inTurn) writeCertificates(situation, draft, chain);
	for (const chain of chains) balance(situation, draft, chain);
	return chains;
}

/** Lines that images for every host bring, once the host is in the cluster. @returns their ids */
export function planCommands(situation: Situation, draft: Draft, chains: readonly HostChain[]): readonly string[] {
	const planned: string[] = [];
	for (const chain of chains) {
		for (const image of baseImages(situation.request.wanted)) {
			for (const [index, line] of linesOf(image).entries()) {
				const id = `hook/${chain.host.name}/${image.name}/command-${index + 1}`;
				propose(draft, chain, 'hook', {
					id,
					phase: 'run lines on hosts',
					title: `run line ${index + 1} of ${shortReference(image.name)}`,
					input: hookInput(situation, chain.host, image, 'command', line),
				});
				if (draft.has(id)) planned.push(id);
			}
		}
	}
	return planned;
}

/** The input of a hook depends on the image and on what was laid over its files. */
export function hookInput(
	{request: {wishes}}: Situation,
	host: SettingHost,
	image: ClusterImage,
	hook: string,
	line: string,
): ActionInputs['hook'] {
	const from = digestOfValue([variantsFor([image], host), wishes.stageFrom(host, 'rootfs')]);
	return {image: image.name, hook, line, from};
}

function takeOver({request, stateOf, isTaken}: Situation, draft: Draft, chain: HostChain): void {
	const {host} = chain;
	if (request.isForced !== true || !isTaken(host)) return;
	const member = stateOf(host)?.member;
	const id = `reset/${host.name}`;
	draft.add('reset', {
		id,
		host: host.name,
		phase: 'take hosts over',
		title:
			member === undefined ? 'take off the Kubernetes that is there' : `take it out of the cluster ${member.cluster}`,
		destroys: 'everything that runs there, and the data of etcd where there is one',
		input: {node: host.nodeName, role: member?.role ?? (host.isMaster ? 'master' : 'node')},
	});
	chain.last = [id];
}

function bring({request, stateOf}: Situation, draft: Draft, chain: HostChain): void {
	const images = variantsFor(imagesFor(request.wanted, chain.host), chain.host);
	const there = stateOf(chain.host)?.images;
	const isThere = there === undefined || images.every(({name, manifest}) => there[name]?.manifest === manifest);
	const bytes = request.wishes.bytesMissing(chain.host);
	const proposal = {
		id: `content/${chain.host.name}`,
		phase: 'bring content',
		title: `bring ${listing(images.map(({name}) => shortReference(name)))}`,
		...(bytes === undefined ? {} : {bytes}),
		input: {images},
	};
	propose(draft, chain, 'content', proposal, isThere);
}

function stage({request: {wanted, wishes}}: Situation, draft: Draft, chain: HostChain): void {
	const {host} = chain;
	const work = (place: string, images: readonly ClusterImage[]): Omit<Proposal<'stage'>, 'host'> => ({
		id: `stage/${host.name}/${place}`,
		phase: 'stage files',
		title: `lay out the files of ${listing(images.map(({name}) => shortReference(name)))}`,
		input: {place, images: variantsFor(images, host), from: wishes.stageFrom(host, place)},
	});
	const brought = chain.last;
	propose(draft, chain, 'stage', work('rootfs', baseImages(wanted)));
	if (!host.isMaster) return;
	for (const image of applicationImages(wanted)) {
		const proposal = work(`application/${image.name}`, [image]);
		draft.propose('stage', {...proposal, host: host.name, after: brought}, chain.journal);
	}
}

function runHooks(situation: Situation, draft: Draft, chain: HostChain, names: readonly string[], phase: string): void {
	for (const name of names) {
		for (const image of baseImages(situation.request.wanted)) {
			const line = Object.hasOwn(image.hooks, name) ? image.hooks[name] : undefined;
			if (line === undefined) continue;
			propose(draft, chain, 'hook', {
				id: `hook/${chain.host.name}/${image.name}/${name}`,
				phase,
				title: `run the hook ${name} of ${shortReference(image.name)}`,
				input: hookInput(situation, chain.host, image, name, line),
			});
		}
	}
}

function prepare({request, stateOf}: Situation, draft: Draft, chain: HostChain): void {
	const proposal = {
		id: `prepare/${chain.host.name}`,
		phase: 'prepare nodes',
		title: 'prepare the host to be a node',
		input: {wish: request.wishes.wishOf(chain.host)},
	};
	propose(draft, chain, 'prepare', proposal, isUp(stateOf(chain.host)?.kubernetes.containerd));
}

function setUpRegistry(situation: Situation, draft: Draft, chain: HostChain): void {
	const {request, wantedMasters, acting, stateOf} = situation;
	const {host} = chain;
	const images = variantsFor(imagesFor(request.wanted, host), host);
	const proposal = {
		id: `registry/${host.name}`,
		phase: 'set up registries',
		title: host.isMaster ? 'serve images, to the other hosts too' : 'serve images to its own containers',
		input: {peers: wantedMasters.map(({name}) => name), images: digestsOf(images)},
	};
	waitFor(draft, chain, acting, 'registry');
	propose(draft, chain, 'registry', proposal, isUp(stateOf(host)?.kubernetes.registry));
	if (host.isMaster) runHooks(situation, draft, chain, ['init-registry'], proposal.phase);
}

function writeCertificates({request, stateOf, acting}: Situation, draft: Draft, chain: HostChain): void {
	const {host} = chain;
	const kubernetes = stateOf(host)?.kubernetes;
	const holds = kubernetes?.hasKubeletConf === true && (!host.isMaster || kubernetes.hasAdminConf);
	const proposal = {
		id: `certificates/${host.name}`,
		phase: 'write certificates',
		title: 'write certificates and kubeconfigs',
		input: {from: request.wishes.certificatesOf(host)},
	};
	waitFor(draft, chain, acting, 'certificates');
	propose(draft, chain, 'certificates', proposal, holds);
}

function balance({request: {wanted}, wantedMasters, stateOf}: Situation, draft: Draft, chain: HostChain): void {
	const {virtualAddress: address, apiPort: port} = wanted.network;
	const members = wantedMasters.map(({addresses}) => addresses[0] ?? '');
	const proposal = {
		id: `balancer/${chain.host.name}`,
		phase: 'set up load balancers',
		title: `balance ${address} over ${members.length === 1 ? 'one master' : `${members.length} masters`}`,
		input: {members, address, port},
	};
	propose(draft, chain, 'balancer', proposal, isUp(stateOf(chain.host)?.kubernetes.balancer));
}

/** The next thing on the host comes after this of the acting master as well. */
function waitFor(draft: Draft, chain: HostChain, acting: SettingHost | undefined, kind: string): void {
	const id = `${kind}/${acting?.name ?? ''}`;
	if (acting?.name !== chain.host.name && draft.has(id)) chain.last = [...chain.last, id];
}

function propose<K extends 'content' | 'stage' | 'hook' | 'prepare' | 'registry' | 'certificates' | 'balancer'>(
	draft: Draft,
	chain: HostChain,
	kind: K,
	proposal: Omit<Proposal<K>, 'host' | 'after'>,
	holds = true,
): void {
	const whole = {...proposal, host: chain.host.name, after: chain.last} as unknown as Proposal<K>;
	draft.propose(kind, whole, chain.journal, holds);
	if (draft.has(whole.id)) chain.last = [whole.id];
}

function actingFirst(chains: readonly HostChain[], acting: SettingHost | undefined): readonly HostChain[] {
	const isActing = ({host}: HostChain): boolean => host.name === acting?.name;
	return [...chains.filter(isActing), ...chains.filter(chain => !isActing(chain))];
}
