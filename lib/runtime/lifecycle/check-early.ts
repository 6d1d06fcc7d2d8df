import {closest} from '../../core/closest.js';
import {type ClusterImageSource, type ImageKind, readImageKind} from '../application/read-image.js';
import {convertDocuments} from '../kubeadm/convert.js';
import {minorFacts} from '../kubeadm/minors.js';
import {parseKubernetesVersion} from '../kubeadm/version.js';
import type {ClusterState} from '../state/cluster-state.js';
import {refuseProblems} from './check.js';
import {checkImages, checkVersion} from './check-setting.js';
import type {OperateOptions, RunRequest} from './operate-request.js';
import {about, type Problem, when} from './problem.js';

/**
 * Refuses what needs no host to be seen as wrong, before any is asked: hosts without a part in the cluster, images that are no cluster together, a version
 * that cannot follow the one that is remembered, documents that this Kubernetes does not know.
 * @param known as this operator remembers the cluster
 * @param isAlone this machine is meant, which may know the cluster that it is in
 * @throws SealError as `refuseProblems`, `readImageKind` and `convertDocuments`
 */
export async function checkEarly(
	request: RunRequest,
	known: ClusterState | undefined,
	isAlone: boolean,
	{store, signal}: Pick<OperateOptions, 'signal'> & {readonly store: ClusterImageSource},
): Promise<void> {
	const named = await Promise.all(request.images.map(name => readImageKind(store, name, {signal})));
	const rootfs = named.find(({type}) => type === 'rootfs');
	const before = request.isWhole === true ? undefined : known?.setting.images;
	// Of a cluster that is there the rootfs comes first, whatever is named beside it.
	const sorted = before === undefined ? named : [...named].sort((a, b) => Number(b === rootfs) - Number(a === rootfs));
	const kept = rootfs === undefined ? (before ?? []).filter(({type}) => type === 'rootfs') : [];
	const mayBeKnownThere = isAlone && rootfs === undefined;
	refuseProblems([
		...checkRoles(request),
		...(mayBeKnownThere ? [] : checkImages([...kept, ...sorted]).map(problem => withImport(problem, known, rootfs))),
		...checkOrder(known, rootfs),
	]);
	const version = rootfs?.kubernetes ?? known?.setting.version.text;
	if (version !== undefined && request.kubeadm !== undefined)
		convertDocuments(request.kubeadm, minorFacts(parseKubernetesVersion(version)).api);
}

/** Other roles choose what is brought to a host, and say nothing of what it is. */
function checkRoles({hosts, isWhole}: RunRequest): readonly Problem[] {
	const idle = hosts.filter(({target: {roles}}) => !parts.some(part => roles.includes(part)));
	const hasMaster = hosts.some(({target}) => target.roles.includes('master'));
	return [
		...idle.flatMap(({target: {name, roles}}) => {
			const meant = roles.map(role => closest(role, parts)).find(role => role !== undefined);
			return about([name], {
				severity: 'error',
				code: 'ERR_CLUSTER_SETTING',
				message: 'The host is neither a master nor a node',
				hint: meant === undefined ? 'Give it one of these roles.' : `Is "${meant}" meant?`,
			});
		}),
		...when(isWhole === true && hosts.length > 0 && idle.length === 0 && !hasMaster, () => ({
			severity: 'error',
			code: 'ERR_CLUSTER_SETTING',
			message: 'None of the hosts is a master',
			hint: 'Give at least one the role master.',
		})),
	];
}

const parts = ['master', 'node'] as const;

/** What was done for the cluster as a whole says that it had begun: until then it can be anything. */
function checkOrder(known: ClusterState | undefined, rootfs: ImageKind | undefined): readonly Problem[] {
	if (known === undefined || rootfs?.kubernetes === undefined || Object.keys(known.done).length === 0) return [];
	const [problem] = checkVersion(known.setting.version, parseKubernetesVersion(rootfs.kubernetes));
	return when(problem !== undefined, () => ({
		...problem!,
		hint: `${problem!.hint.replace(/\.$/, '')}, or take the cluster anew with "sealimage clusters import --host MASTER" if others have changed it.`,
	}));
}

function withImport(problem: Problem, known: ClusterState | undefined, rootfs: ImageKind | undefined): Problem {
	if (known !== undefined || rootfs !== undefined) return problem;
	const hint = `${problem.hint} A cluster that is there already is taken from a master with "sealimage clusters import --host MASTER".`;
	return {...problem, hint};
}
