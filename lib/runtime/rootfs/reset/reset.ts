import type {IpvsTable} from '../../../lb/ipvs/table.js';
import {readBefore} from '../../node/before.js';
import type {NodeOptions} from '../../node/changes.js';
import {readRecord} from '../../node/record.js';
import type {NodeSystem} from '../../node/system.js';
import {createWork, type Leftover, type Undone} from '../../node/work.js';
import {clearFolders, type FolderRequest} from './folders.js';
import {clearLinks, linksOf} from './links.js';
import {clearNetfilter} from './netfilter.js';
import {stopPods} from './pods.js';
import {clearServices} from './services.js';
import type {SetTable} from './sets.js';

/** A host that is no node any more. JSON-safe. */
export interface ResetRequest extends FolderRequest {
	/** The networks of pods and services. */
	readonly pods: readonly string[];
	readonly services: readonly string[];
	/** Of the load balancer. */
	readonly virtualAddress: string;
}

export interface ResetDone extends Undone {
	/** What is left in the kernel: no harm to the host, and gone with its next start. */
	readonly remnants: readonly Leftover[];
}

export interface ResetOptions extends NodeOptions {
	readonly openIpvs?: (() => Promise<IpvsTable>) | undefined;
	readonly openSets?: (() => Promise<SetTable>) | undefined;
}

/**
 * Takes everything of Kubernetes off this host: pods, mounts, data, interfaces, routes, and what is in the kernel's packet filters and
 * virtual services. Only what is known by name or by the record of preparing is touched, and
 * nothing that was there before. What fails is told, and the rest
 * goes on; done again, it goes on with what is left.
 * @throws SealError ERR_NODE_RECORD
 */
export async function resetNode(
	request: ResetRequest,
	root: string,
	system: NodeSystem,
	options: ResetOptions = {},
): Promise<ResetDone> {
	const work = createWork(options);
	const kernel = createWork(options);
	const {contents = {}} = await readRecord(root);
	await stopPods(system, work, options);
	const {services: networks, virtualAddress: keep, pods} = request;
	await clearServices({networks, keep}, system, kernel, {...options, open: options.openIpvs});
	const othersUseCni = (contents['/etc/cni/net.d'] ?? []).length > 0;
	await clearNetfilter(system, kernel, {...options, othersUseCni, openTable: options.openSets});
	await clearLinks(pods, linksOf(await readBefore(root)), system, kernel, options);
	await clearFolders(request, root, system, work, options);
	await system.run(['sync'], options);
	return {done: [...work.done, ...kernel.done], leftovers: work.leftovers, remnants: kernel.leftovers};
}
