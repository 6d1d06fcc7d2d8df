import type {Digest} from '../../oci/digest.js';
import {shortReference} from '../../oci/reference.js';
import {isMeantFor} from '../cluster/config-document.js';
import {digestOfValue} from '../plan/plan.js';
import type {Draft} from './draft.js';
import {applicationImages, linesOf} from './plan-images.js';
import type {PlanRequest} from './request.js';
import type {ClusterImage, ClusterSetting} from './setting.js';
import type {Situation} from './situation.js';

/** What sealimage itself needs in the cluster. */
export function planAccess({request, first}: Situation, draft: Draft): void {
	const proposal = {
		id: 'access',
		phase: 'keep the state',
		title: 'create what sealimage needs in the cluster',
		after: [`init/${first?.name ?? ''}`],
		input: {objects: request.wishes.accessObjects},
	};
	draft.propose('access', proposal, recordOf(request, first !== undefined));
}

/** The state is written when who is in the cluster, or what it shall be, is not what each copy says; last when hosts leave, so that they are not forgotten before. */
export function planState({request, leaving, first, masters, stateOf}: Situation, draft: Draft): void {
	const {known, wanted} = request;
	const setting = digestOfValue(wanted);
	const isKept = (host: (typeof masters)[number]): boolean => {
		const copy = stateOf(host)?.state;
		return copy !== undefined && digestOfValue(copy.setting) === setting;
	};
	const isTrue = first === undefined && known !== undefined && digestOfValue(known.setting) === setting;
	if (isTrue && leaving.length === 0 && masters.every(isKept)) return;
	draft.add('state', {
		id: 'state',
		phase: 'keep the state',
		title: `write the state of the cluster, in it and on ${masters.length === 1 ? 'its master' : `${masters.length} masters`}`,
		after: [
			'access',
			...masters.flatMap(({name}) => [`init/${name}`, `join/${name}`]),
			...leaving.flatMap(({name}) => [`leave-etcd/${name}`, `delete-node/${name}`, `restore/${name}`]),
		],
		input: {setting},
	});
}

/** One after the other, as soon as there is a cluster: what brings its network is often the first of them. */
export function planApplications({request, first, acting}: Situation, draft: Draft): readonly string[] {
	const asked = new Set(request.applications);
	const images = applicationImages(request.wanted).filter(({name}) => asked.has(name));
	const record = recordOf(request, first !== undefined);
	const name = acting?.name ?? '';
	let before: readonly string[] = ['access', `init/${name}`, `join/${name}`];
	for (const image of images) {
		const lines = linesOf(image);
		if (lines.length === 0) continue;
		const id = `application/${image.name}`;
		const proposal = {
			id,
			phase: 'run applications',
			title: `run ${shortReference(image.name)}`,
			after: [...before, `stage/${name}/application/${image.name}`],
			input: {image: image.name, from: applicationDigest(request.wanted, image, lines)},
		};
		draft.propose('application', proposal, record, request.isForced !== true);
		if (draft.has(id)) before = [id];
	}
	return images.map(image => `application/${image.name}`);
}

/**
 * Until the nodes are Ready and applications run. It is planned when the nodes are others than those that were waited for, and after
 * whatever comes into the cluster.
 * @param lines ids of what runs there, on hosts and as applications
 */
export function planReady({request, leaving, first, hosts}: Situation, draft: Draft, lines: readonly string[]): void {
	const joins = hosts.flatMap(({name}) => [`init/${name}`, `join/${name}`]);
	const isQuiet = ![...joins, ...lines].some(id => draft.has(id));
	const proposal = {
		id: 'ready',
		phase: 'wait until ready',
		title: `wait until ${hosts.length === 1 ? 'the node is' : `${hosts.length} nodes are`} ready`,
		after: [...joins, ...lines, ...leaving.map(({name}) => `delete-node/${name}`)],
		input: {nodes: hosts.map(({nodeName}) => nodeName).sort()},
	};
	draft.propose('ready', proposal, recordOf(request, first !== undefined), isQuiet);
}

/** What an application is run with, the same whichever master runs it. */
function applicationDigest({env, configs}: ClusterSetting, image: ClusterImage, lines: readonly string[]): Digest {
	const own = configs.filter(config => isMeantFor(config, image.name));
	return digestOfValue({image: image.digest, lines, env: {...image.env, ...env, ...image.given}, configs: own});
}

/** A cluster that begins anew has done nothing. */
function recordOf({known}: PlanRequest, isNew: boolean): Readonly<Record<string, Digest>> {
	return isNew ? {} : (known?.done ?? {});
}
