import {SealError} from '../core/errors.js';

/** image-spec, image-index.md: where an image runs. */
export interface Platform {
	readonly os: string;
	readonly architecture: string;
	readonly variant?: string | undefined;
	readonly 'os.version'?: string | undefined;
	readonly 'os.features'?: readonly string[] | undefined;
}

/** The spellings that people and uname use, as GOARCH and variant. */
const aliases: Readonly<Record<string, readonly [string, string?]>> = {
	x86_64: ['amd64'],
	'x86-64': ['amd64'],
	aarch64: ['arm64'],
	i386: ['386'],
	armhf: ['arm', 'v7'],
	armel: ['arm', 'v6'],
};

/**
 * Reads `linux/arm64/v8`, `arm64`, `linux/x86_64`; normalised so that equal platforms are equal texts: arm64 has no
 * variant (v8 is implied), amd64 v1 is dropped, arm without a variant is v7 (containerd's rules).
 * @throws SealError ERR_PLATFORM
 */
export function parsePlatform(text: string): Platform {
	const parts = text.trim().toLowerCase().split('/');
	const [os, arch, variant] = parts.length === 1 ? ['linux', parts[0]] : parts;
	if (parts.length > 3 || !parts.every(part => /^[a-z0-9_.-]+$/.test(part)) || os === undefined || arch === undefined) {
		throw new SealError('ERR_PLATFORM', `"${text}" is not a platform`, {
			hint: 'Write it as os/architecture[/variant], for example linux/arm64.',
		});
	}
	return normalizePlatform({os, architecture: arch, ...(variant === undefined ? {} : {variant})});
}

export function normalizePlatform(platform: Platform): Platform {
	const [architecture, aliasVariant] = aliases[platform.architecture] ?? [platform.architecture];
	let variant = platform.variant || aliasVariant;
	if (architecture === 'arm64' && (variant === 'v8' || variant === '8')) variant = undefined;
	if (architecture === 'amd64' && variant === 'v1') variant = undefined;
	if (architecture === 'arm')
		variant = variant === undefined ? 'v7' : variant.startsWith('v') ? variant : `v${variant}`;
	const {variant: _, ...rest} = platform;
	return {...rest, architecture, ...(variant === undefined ? {} : {variant})};
}

export function formatPlatform(platform: Platform): string {
	return [platform.os, platform.architecture, platform.variant]
		.filter(part => part !== undefined && part !== '')
		.join('/');
}

/** The variants that a machine of this platform also runs, best first (arm falls back v8, v7, v6, v5). */
function runnable(platform: Platform): readonly Platform[] {
	if (platform.architecture !== 'arm') return [platform];
	const newest = Number(platform.variant?.slice(1) ?? 7);
	return [8, 7, 6, 5].filter(v => v <= newest).map(v => ({...platform, variant: `v${v}`}));
}

/**
 * The item for `wanted`, or undefined. Attestation entries (`unknown/unknown`) and items without a platform never match;
 * among equals the first wins, as in every other tool.
 */
export function selectPlatform<T extends {readonly platform?: Platform | undefined}>(
	items: readonly T[],
	wanted: Platform,
): T | undefined {
	for (const candidate of runnable(normalizePlatform(wanted))) {
		const text = formatPlatform(candidate);
		const found = items.find(
			item => item.platform !== undefined && formatPlatform(normalizePlatform(item.platform)) === text,
		);
		if (found !== undefined) return found;
	}
	return undefined;
}

/** The platform of the machine that runs this process. */
export function hostPlatform(): Platform {
	const names: Readonly<Record<string, string>> = {x64: 'amd64', ia32: '386'};
	const architecture = names[process.arch] ?? process.arch;
	return normalizePlatform({os: 'linux', architecture});
}
