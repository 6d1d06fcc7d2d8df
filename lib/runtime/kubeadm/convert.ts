import {SealError} from '../../core/errors.js';
import {readArguments, writeArguments} from './arguments.js';
import {type Fields, fieldsOf, isFields, type KubeadmDocument, kubeadmGroup} from './document.js';
import {checkFields} from './fields.js';
import {mergeDocuments} from './merge.js';
import type {KubeadmApi} from './minors.js';

/**
 * Documents as a user wrote them, for any version of kubeadm's configuration, in the version that this Kubernetes reads. What
 * only moved is moved, what has no place there is refused.
 * @throws SealError ERR_KUBEADM_DOCUMENT with `details.path` where there is one
 */
export function convertDocuments(documents: readonly KubeadmDocument[], api: KubeadmApi): readonly KubeadmDocument[] {
	const moved: KubeadmDocument[] = [];
	const converted = documents.map(document => {
		if (!document.apiVersion.startsWith(`${kubeadmGroup}/`)) return document;
		checkVersion(document);
		const target = {...document, apiVersion: `${kubeadmGroup}/${api}`};
		const inForm = withArguments(target, api);
		const result = api === 'v1beta4' ? toNewer(inForm, moved) : toOlder(inForm, moved, api);
		checkFields(result, api);
		return result;
	});
	return mergeDocuments(moved, converted);
}

function checkVersion({apiVersion, kind}: KubeadmDocument): void {
	if (/^kubeadm\.k8s\.io\/v1beta[234]$/.test(apiVersion)) return;
	throw new SealError(
		'ERR_KUBEADM_DOCUMENT',
		`${kind} has the apiVersion ${JSON.stringify(apiVersion)}, which is not known`,
		{
			hint: 'Write kubeadm.k8s.io/v1beta2, v1beta3 or v1beta4; it is converted to what the Kubernetes of the image reads.',
			details: {path: [kind, 'apiVersion']},
		},
	);
}

/** Where arguments of components are, by the kind of document. */
const argumentPlaces: Readonly<Record<string, ReadonlyArray<readonly string[]>>> = {
	InitConfiguration: [['nodeRegistration', 'kubeletExtraArgs']],
	JoinConfiguration: [['nodeRegistration', 'kubeletExtraArgs']],
	ClusterConfiguration: [
		['apiServer', 'extraArgs'],
		['controllerManager', 'extraArgs'],
		['scheduler', 'extraArgs'],
		['etcd', 'local', 'extraArgs'],
	],
};

function withArguments(document: KubeadmDocument, api: KubeadmApi): KubeadmDocument {
	let result: Fields = document;
	for (const path of argumentPlaces[document.kind] ?? []) {
		const place = [document.kind, ...path].join('.');
		result = changeAt(result, path, value => writeArguments(readArguments(value, place), api, place));
	}
	return result as KubeadmDocument;
}

/** v1beta4 keeps all time-outs in one struct of the documents of a node, and knows no other DNS than CoreDNS. */
function toNewer(document: KubeadmDocument, moved: KubeadmDocument[]): KubeadmDocument {
	if (document.kind === 'ClusterConfiguration') {
		const timeout = fieldsOf(document.apiServer).timeoutForControlPlane;
		if (timeout !== undefined) {
			for (const kind of ['InitConfiguration', 'JoinConfiguration']) {
				const timeouts = {controlPlaneComponentHealthCheck: timeout};
				moved.push({apiVersion: document.apiVersion, kind, timeouts});
			}
		}
		return withoutOldDns(changeAt(document, ['apiServer'], value => without(value, 'timeoutForControlPlane')));
	}
	if (document.kind !== 'JoinConfiguration') return document;
	const timeout = fieldsOf(document.discovery).timeout;
	if (timeout === undefined) return document;
	const result = changeAt(document, ['discovery'], value => without(value, 'timeout'));
	return {...(result as KubeadmDocument), timeouts: {discovery: timeout, ...fieldsOf(document.timeouts)}};
}

function toOlder(document: KubeadmDocument, moved: KubeadmDocument[], api: KubeadmApi): KubeadmDocument {
	if (document.kind === 'ClusterConfiguration') return api === 'v1beta3' ? withoutOldDns(document) : document;
	const {timeouts, ...rest} = document;
	if (!isFields(timeouts)) return document;
	const {controlPlaneComponentHealthCheck: forControlPlane, discovery, ...others} = timeouts;
	if (forControlPlane !== undefined) {
		const apiServer = {timeoutForControlPlane: forControlPlane};
		moved.push({apiVersion: document.apiVersion, kind: 'ClusterConfiguration', apiServer});
	}
	const found = document.kind === 'JoinConfiguration' && discovery !== undefined;
	return {
		...(rest as KubeadmDocument),
		...(found ? {discovery: {timeout: discovery, ...fieldsOf(rest.discovery)}} : {}),
		// What is left has no place in older versions: the check of fields says so.
		...(Object.keys(others).length === 0 ? {} : {timeouts: others}),
	};
}

/** Fields of v1beta2 that say what is so anyway. Another value is refused by the check of fields. */
function withoutOldDns(document: Fields): KubeadmDocument {
	let result = document;
	if (fieldsOf(result.dns).type === 'CoreDNS') result = changeAt(result, ['dns'], value => without(value, 'type'));
	if (result.useHyperKubeImage === false) result = without(result, 'useHyperKubeImage');
	return result as KubeadmDocument;
}

/** The fields with the value at a path changed; as they are when nothing is there. */
function changeAt(
	fields: Fields,
	[name = '', ...rest]: readonly string[],
	change: (value: unknown) => unknown,
): Fields {
	const value = fields[name];
	if (value === undefined || value === null) return fields;
	if (rest.length === 0) return {...fields, [name]: change(value)};
	return isFields(value) ? {...fields, [name]: changeAt(value, rest, change)} : fields;
}

function without(value: unknown, name: string): Fields {
	const {[name]: _, ...rest} = fieldsOf(value);
	return rest;
}
