import {SealError} from '../../../core/errors.js';
import {emit} from '../../../core/events.js';
import {shortReference} from '../../../oci/reference.js';
import {expandReferences} from '../../application/expand.js';
import {runLine} from '../../application/run-line.js';
import {HostError} from '../../host/error.js';
import type {ClusterRun, Performer} from '../../lifecycle/run.js';
import type {ClusterImage, ClusterSetting} from '../../lifecycle/setting.js';
import {kubeconfigPlaces} from '../../pki/cluster/places.js';
import {describeStatus} from '../../transport/exec.js';
import {maskSecrets} from '../mask.js';
import {stagedFolder} from '../places.js';
import {placeOf, stageSources} from '../sources.js';
import {hostOf} from './on-host.js';

/**
 * Runs a hook of an image on a host, where sealos runs it: in the folder of its scripts, by bash. A hook `command` is a line of CMD of a
 * rootfs or patch, which runs in the folder of its files, with its programs first. Output comes as events, without the values of
 * secret variables.
 * @throws HostError ERR_HOOK with what the script said last, and as `runLine`; SealError ERR_IMAGE_UNKNOWN
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
	const request = isCommand
		? {line: expandReferences(line, env), cwd: folder, path: [`${folder}/bin`, ...rootPath], env: {...env, ...own}}
		: {line: `bash ${line}`, cwd: `${folder}/scripts`, path: rootPath, env};
	const {status, tail} = await runLine(host.transport, request, {
		signal: options.signal,
		onOutput: (stream, text) =>
			emit(options, {type: 'command.output', id: action.id, stream, text: maskSecrets(text, env)}),
	});
	if (status.code === 0) return;
	const said = lastWords(maskSecrets(tail, env));
	const shown = shortReference(name);
	const what = isCommand ? `A line of CMD of ${shown}` : `The hook ${which} of ${shown}`;
	const words = said === '' ? '' : `: ${said}`;
	throw new HostError(host.name, 'ERR_HOOK', `${what} ${describeStatus(status)}${words}`, {
		hint:
			status.code === 127
				? 'Check that bash and the programs that the script calls are on the host.'
				: 'Mend what it says, and run the command again.',
		details: {...status},
	});
};

/** Not every login has the folders of programs for root. */
const rootPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

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

/** It goes to a terminal. */
function lastWords(tail: string): string {
	const lines = tail.split('\n').map(line => line.trim());
	const shown = lines.filter(line => line !== '').slice(-8);
	return shown
		.join('; ')
		.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
		.slice(-800);
}
