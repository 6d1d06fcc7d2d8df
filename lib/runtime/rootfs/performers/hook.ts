import {SealError} from '../../../core/errors.js';
import type {ClusterRun, Performer} from '../../lifecycle/run.js';
import type {ClusterImage, ClusterSetting} from '../../lifecycle/setting.js';
import {kubeconfigPlaces} from '../../pki/cluster/places.js';
import {stagedFolder} from '../places.js';
import {runLine} from '../run-line.js';
import {placeOf, stageSources} from '../sources.js';
import {hostOf} from './on-host.js';

/**
 * Runs a hook of an image on a host, where sealos runs it: in the folder of its scripts, by bash. A hook `command` is a line of CMD of a
 * rootfs or patch, which runs in the folder of its files, with its programs first.
 */
export const hook: Performer<'hook'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const {image: name, hook: which, line} = action.input;
	const {image, setting} = imageOf(run, name);
	const place = placeOf(image);
	const folder = stagedFolder(run.root, place);
	const {env} = stageSources(setting, host, place);
	const isCommand = which === 'command';
	const own = isCommand && host.isMaster ? {KUBECONFIG: kubeconfigPlaces.admin} : {};
	await runLine(host.transport, isCommand ? line : `bash ${line}`, {
		...options,
		id: action.id,
		what: isCommand ? `A line of CMD of ${name}` : `The hook ${which} of ${name}`,
		code: 'ERR_HOOK',
		cwd: isCommand ? folder : `${folder}/scripts`,
		env: {...env, ...own, PATH: isCommand ? `${folder}/bin:${usualPath}` : usualPath},
	});
};

/** Not every login has the folders of programs for root. */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A host that leaves may have what no setting but the one that is known names any more. */
function imageOf(run: ClusterRun, name: string): {readonly image: ClusterImage; readonly setting: ClusterSetting} {
	for (const setting of [run.setting, run.known?.setting]) {
		const image = setting?.images.find(candidate => candidate.name === name);
		if (setting !== undefined && image !== undefined) return {image, setting};
	}
	throw new SealError('ERR_IMAGE_UNKNOWN', `A hook is of ${name}, which is no image of the cluster`, {
		hint: 'Make the plan anew.',
	});
}
