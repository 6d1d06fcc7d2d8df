import {SealError} from '../../core/errors.js';

/** A release of Kubernetes 1. */
export interface KubernetesVersion {
	/** `v1.20.2`, as images and kubeadm have it. */
	readonly text: string;
	readonly minor: number;
	readonly patch: number;
	/** `rc.1`; absent for a release. */
	readonly pre?: string | undefined;
}

export const oldestMinor = 20;
export const newestMinor = 37;

/** Reads `v1.20.2` or `1.20.2`. @throws SealError ERR_KUBERNETES_VERSION for what is none, and for minors that are not supported */
export function parseKubernetesVersion(text: string): KubernetesVersion {
	const {minor, patch, pre} = read(text);
	if (patch === undefined) throw none(text);
	const version = {
		text: `v1.${minor}.${patch}${pre === undefined ? '' : `-${pre}`}`,
		...{minor, patch},
		...(pre === undefined ? {} : {pre}),
	};
	refuseUnsupported(minor, version.text);
	return version;
}

/** 20 for `1.20`, `v1.20` and every version that `parseKubernetesVersion` reads. @throws SealError ERR_KUBERNETES_VERSION */
export function parseKubernetesMinor(text: string): number {
	const {minor} = read(text);
	refuseUnsupported(minor, text);
	return minor;
}

function read(text: string): {readonly minor: number; readonly patch?: number; readonly pre?: string} {
	const [, minor, patch, pre] = /^v?1\.(\d{1,3})(?:\.(\d{1,3})(?:-([0-9A-Za-z.-]{1,64}))?)?$/.exec(text) ?? [];
	if (minor === undefined) throw none(text);
	return {
		minor: Number(minor),
		...(patch === undefined ? {} : {patch: Number(patch)}),
		...(pre === undefined ? {} : {pre}),
	};
}

function refuseUnsupported(minor: number, text: string): void {
	if (minor >= oldestMinor && minor <= newestMinor) return;
	throw refuse(
		`Kubernetes ${text} is not supported, expected 1.${oldestMinor} to 1.${newestMinor}`,
		minor < oldestMinor ? 'Use a rootfs image of a newer Kubernetes.' : 'Use a newer sealimage.',
	);
}

function none(text: string): SealError {
	return refuse(`${JSON.stringify(text.slice(0, 100))} is no version of Kubernetes`, 'Write it as v1.30.2.');
}

function refuse(message: string, hint: string): SealError {
	return new SealError('ERR_KUBERNETES_VERSION', message, {hint});
}
