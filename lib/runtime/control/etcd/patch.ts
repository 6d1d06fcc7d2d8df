import {printYaml} from '../../../core/yaml.js';
import {minorFacts} from '../../kubeadm/minors.js';
import type {KubernetesVersion} from '../../kubeadm/version.js';

/** What kubeadm of this version has to change in the pod of etcd that it writes, as a strategic merge patch; empty for nothing. */
export function etcdPatch(version: KubernetesVersion): string {
	if (!minorFacts(version).etcdAsksForStorage) return '';
	const container = {name: 'etcd', resources: {requests: {'ephemeral-storage': null}}};
	return printYaml([{spec: {containers: [container]}}]);
}

/** POSIX sh: with the folder of the run in `work` and a patch in `patch`, has the arguments of kubeadm name it. */
export const usePatch = `
if [ -n "$patch" ]; then
	mkdir -p "$work/patches" && printf %s "$patch" >"$work/patches/etcd.yaml" || exit
	set -- "$@" "--experimental-patches=$work/patches"
fi
`;
