import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {ClusterRun, Performer, RunHost} from '../lifecycle/run.js';
import {type FoundFiles, type SharedPki, sharedPki} from '../pki/cluster/authorities.js';
import type {PkiCluster} from '../pki/cluster/description.js';
import {authorityIds, authorityPlaces, serviceAccountPlaces} from '../pki/cluster/places.js';
import {type PkiDecision, planPki} from '../pki/cluster/plan.js';
import {pkiClusterOf, pkiHostOf} from './describe.js';
import {hostOf, workOf} from './host.js';
import {ofRun} from './once.js';
import {placesOf, readPkiFiles, writePkiFiles} from './pki-files.js';
import {say} from './say.js';

/**
 * Every certificate, key and kubeconfig of a host. What is good stays. The authorities are those that the masters have, read once
 * for a run and made at most once; a worker gets the certificate of one of them, and the key of none.
 */
export const certificates: Performer<'certificates'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const cluster = pkiClusterOf(run.setting);
	const own = pkiHostOf(run.setting, host);
	const {shared, found} = await authorities(run, '', () => gather(run, cluster, options));
	const files = found.get(host.nodeName) ?? (await read(run, host, cluster, options));
	const alone = {...cluster, masters: own.isMaster ? [own] : [], nodes: own.isMaster ? [] : [own]};
	const [plan] = await planPki(alone, shared, new Map([[own.name, files]]), {signal: options.signal});
	if (plan === undefined || plan.files.length === 0) return;
	await writePkiFiles(host.transport, plan.files, {work: workOf(run), signal: options.signal});
	say(options, action.id, plan.decisions.flatMap(sentence));
};

function sentence({item, do: what, why}: PkiDecision): readonly string[] {
	if (what === 'keep') return [];
	return [`${what === 'make' ? 'made' : 'renewed'} ${item}${why === undefined ? '' : `: ${why}`}`];
}

interface Gathered {
	readonly shared: SharedPki;
	/** Of the masters that answer, by the names of their nodes. */
	readonly found: ReadonlyMap<string, FoundFiles>;
}

const authorities = ofRun<Gathered>();

async function gather(run: ClusterRun, cluster: PkiCluster, options: OperationOptions): Promise<Gathered> {
	const masters = [...run.hosts.values()].filter(({nodeName}) => cluster.masters.some(({name}) => name === nodeName));
	const found = new Map<string, FoundFiles>();
	const failures: unknown[] = [];
	const readOne = async (host: RunHost): Promise<void> => {
		try {
			found.set(host.nodeName, await read(run, host, cluster, options));
		} catch (error) {
			options.signal?.throwIfAborted();
			failures.push(error);
		}
	};
	await mapBounded(masters, 16, readOne, options);
	if (![...found.values()].some(isWhole)) {
		// Others are not made while somebody may have those of the cluster.
		if (failures.length > 0) throw failures[0];
		const orphan = masters.find(({state}) => state?.kubernetes.hasEtcdData === true);
		if (orphan !== undefined) throw lost(orphan, cluster, found);
	}
	return {shared: await sharedPki(cluster, found), found};
}

/** All that masters share is there, keys of authorities aside: a user may keep those elsewhere. */
function isWhole(files: FoundFiles): boolean {
	const certificates = authorityIds.map(id => authorityPlaces[id].certificate);
	return [...certificates, serviceAccountPlaces.key].every(path => files.has(path));
}

/** etcd of a master holds a cluster whose certificates nobody has any more: new ones would lock everybody out of it. */
function lost({name}: RunHost, cluster: PkiCluster, found: ReadonlyMap<string, FoundFiles>): SealError {
	return new SealError(
		'ERR_PKI_AUTHORITY',
		`${name} has data of etcd, and none of the ${cluster.masters.length} masters has all authorities of the cluster`,
		{
			hint: 'Restore /etc/kubernetes/pki of a master from a backup, or take the old cluster off the hosts with "sealimage reset".',
			details: {looked: [...found.keys()]},
		},
	);
}

async function read(
	run: ClusterRun,
	host: RunHost,
	cluster: PkiCluster,
	{signal}: OperationOptions,
): Promise<FoundFiles> {
	const paths = placesOf(cluster, pkiHostOf(run.setting, host));
	return await readPkiFiles(host.transport, paths, {work: workOf(run), signal});
}
