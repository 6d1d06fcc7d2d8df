import {SealError} from '../core/errors.js';

export type ClusterImageType = 'rootfs' | 'application' | 'patch';

/** The shell lines that a rootfs image names for the steps of a host. */
export type HookName = (typeof hookNames)[number];

/** What the labels of an image say about its part in a cluster. */
export interface ClusterImageFacts {
	readonly type: ClusterImageType;
	/** True when a label says so; otherwise `application` is assumed. */
	readonly typed: boolean;
	/** Version of the contract between image and tool (`v1beta1`, `v1beta2`). */
	readonly contract?: string | undefined;
	/** Version of what is inside: for a rootfs the Kubernetes version. */
	readonly version?: string | undefined;
	/** What runs the cluster: `kubernetes` (also when no label says) or `k3s`. */
	readonly distribution: string;
	/** Of a rootfs only: labels of this name mean something else in other images. */
	readonly hooks: Readonly<Partial<Record<HookName, string>>>;
	/** The label `image`: the load balancer's container image. */
	readonly image?: string | undefined;
	/** The label `vip`: the virtual address of the control plane; may name a variable of ENV. */
	readonly vip?: string | undefined;
	/** The label `sealimage.io/image-fields` (see discover/image-fields.ts). */
	readonly imageFields?: string | undefined;
	readonly warnings: readonly LabelWarning[];
}

export interface LabelWarning {
	readonly code: 'LabelConflict' | 'LabelUnknown' | 'ContractMissing';
	readonly message: string;
	readonly hint?: string | undefined;
	readonly label: string;
}

export const hookNames = [
	'check',
	'init',
	'clean',
	'init-registry',
	'clean-registry',
	'init-cri',
	'clean-cri',
	'upgrade',
] as const;
const types: readonly string[] = ['rootfs', 'application', 'patch'];

/** All spellings of our labels, the one that counts first. The dotted one is sealos 4, the one with a slash sealos 5. */
export const labelPrefixes = ['sealimage.io/', 'apps.sealos.io/', 'sealos.io.'] as const;
const knownKeys = new Set(['type', 'version', 'distribution', 'image-fields']);

type Labels = Readonly<Record<string, string>>;

/**
 * Reads the labels of a cluster image in all spellings. Where two spellings differ, the first of `labelPrefixes` counts
 * and a warning says so, except for the type.
 * @throws SealError ERR_IMAGE_TYPE when two spellings give different types, or a type is unknown
 */
export function readImageFacts(labels: Labels | undefined): ClusterImageFacts {
	const own = labels ?? {};
	const warnings: LabelWarning[] = [];
	const type = readType(own);
	const contract = read(own, 'version', warnings);
	const isRootfs = type === 'rootfs';
	if (isRootfs && contract === undefined) {
		warnings.push({
			code: 'ContractMissing',
			message: 'A rootfs image does not say which contract it follows',
			hint: 'Add the label sealos.io.version=v1beta1.',
			label: 'sealos.io.version',
		});
	}
	warnUnknown(own, warnings);
	const hooks = isRootfs ? Object.fromEntries(hookNames.flatMap(name => pair(name, own[name]))) : {};
	return {
		type: type ?? 'application',
		typed: type !== undefined,
		...optional('contract', contract),
		...optional('version', own.version),
		distribution: read(own, 'distribution', warnings) ?? 'kubernetes',
		hooks,
		...optional('image', own.image),
		...optional('vip', own.vip),
		...optional('imageFields', own['sealimage.io/image-fields']),
		warnings,
	};
}

/** The command lines of a cluster image's CMD or ENTRYPOINT: each element is one. The shell form is stored as `/bin/sh -c LINE`; of it only the line counts. */
export function commandLines(command: readonly string[]): readonly string[] {
	return command[0] !== undefined && /^(?:\/bin\/)?(?:ba)?sh$/.test(command[0]) && command[1] === '-c'
		? command.slice(2)
		: command;
}

function readType(labels: Labels): ClusterImageType | undefined {
	const found = spellings(labels, 'type');
	const [first, ...others] = found;
	if (first === undefined) return undefined;
	const other = others.find(candidate => candidate.value !== first.value);
	if (other !== undefined) {
		throw new SealError(
			'ERR_IMAGE_TYPE',
			`The labels ${first.label}=${first.value} and ${other.label}=${other.value} contradict each other`,
			{hint: 'Keep one of them.', details: {labels: found}},
		);
	}
	if (!types.includes(first.value)) {
		throw new SealError(
			'ERR_IMAGE_TYPE',
			`The label ${first.label} is ${JSON.stringify(first.value)}, expected rootfs, application or patch`,
			{details: {label: first.label, value: first.value}},
		);
	}
	return first.value as ClusterImageType;
}

function read(labels: Labels, key: string, warnings: LabelWarning[]): string | undefined {
	const [first, ...others] = spellings(labels, key);
	for (const other of others) {
		if (first === undefined || other.value === first.value) continue;
		warnings.push({
			code: 'LabelConflict',
			message: `The labels ${first.label}=${first.value} and ${other.label}=${other.value} differ; the first counts`,
			hint: 'Keep one of them.',
			label: other.label,
		});
	}
	return first?.value;
}

function spellings(labels: Labels, key: string): Array<{readonly label: string; readonly value: string}> {
	return labelPrefixes.flatMap(prefix => {
		const label = `${prefix}${key}`;
		return Object.hasOwn(labels, label) ? [{label, value: labels[label] as string}] : [];
	});
}

function warnUnknown(labels: Labels, warnings: LabelWarning[]): void {
	for (const label of Object.keys(labels)) {
		const prefix = labelPrefixes.find(candidate => label.startsWith(candidate));
		if (prefix === undefined || knownKeys.has(label.slice(prefix.length))) continue;
		warnings.push({
			code: 'LabelUnknown',
			message: `The label ${label} is not one that sealimage knows`,
			hint: `Known are ${[...knownKeys].join(', ')}; use another prefix for labels of your own.`,
			label,
		});
	}
}

function pair(name: string, value: string | undefined): Array<[string, string]> {
	return value === undefined ? [] : [[name, value]];
}

function optional<Key extends string>(key: Key, value: string | undefined): {readonly [name in Key]?: string} {
	return (value === undefined ? {} : {[key]: value}) as {readonly [name in Key]?: string};
}
