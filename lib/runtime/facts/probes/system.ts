import {quoteAll} from '../../transport/quote.js';
import {type Answers, assignments} from '../answers.js';
import type {DistributionFacts, LibcFacts, SystemFacts} from '../facts.js';
import type {Probe} from '../probe.js';

/** What kind of Linux the host is: the machine, the distribution, the C libraries, the init system. */
export const systemProbe: Probe<SystemFacts> = {
	script: () => `release=
read -r release 2>/dev/null </proc/sys/kernel/osrelease
say uname "$(uname -sm 2>/dev/null)"
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
[ ! -d /run/systemd/system ] || tell init systemd
[ ! -d /run/openrc ] || tell init openrc
want /proc/1/comm /proc/sys/kernel/ostype /etc/os-release
[ -r /etc/os-release ] || want /usr/lib/os-release
set +f
for file in ${quoteAll(Object.values(loaders))} /lib/ld-musl-*.so.1 \\
/lib/libstdc++.so.6* /lib64/libstdc++.so.6* /usr/lib/libstdc++.so.6* /usr/lib64/libstdc++.so.6* /lib/*/libstdc++.so.6* /usr/lib/*/libstdc++.so.6* \\
/usr/lib/systemd/libsystemd-shared-*.so /lib/systemd/libsystemd-shared-*.so /usr/lib/*/systemd/libsystemd-shared-*.so; do
[ ! -e "$file" ] || tell library "$file"
done
set -f`,
	read: answers => {
		const machine = (answers.said('uname')[0] ?? '').split(' ')[1] ?? '';
		const libraries = answers.said('library');
		const platform = readPlatform(machine, libraries);
		const version = highest(libraries, /\/libsystemd-shared-(\d{1,6})[^/]*$/);
		const libstdcxx = highest(
			libraries.filter(path => isOf(platform.architecture, path)),
			/\/libstdc\+\+\.so\.(\d+(?:\.\d+){0,2})$/,
		);
		return {
			...platform,
			machine,
			distribution: readDistribution(answers),
			init: answers.said('init')[0] ?? answers.line('/proc/1/comm') ?? 'unknown',
			...(version === undefined ? {} : {systemdVersion: Number(version)}),
			libc: readLibc(platform.architecture, answers),
			...(libstdcxx === undefined ? {} : {libstdcxx}),
		};
	},
};

const machines: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
	x86_64: ['amd64'],
	aarch64: ['arm64'],
	aarch64_be: ['unknown'],
	armv8l: ['arm', 'v7'],
	armv7l: ['arm', 'v7'],
	armv6l: ['arm', 'v6'],
	armv5tel: ['arm', 'v5'],
	i386: ['386'],
	i486: ['386'],
	i586: ['386'],
	i686: ['386'],
	loongarch64: ['loong64'],
	ppc64le: ['ppc64le'],
	riscv64: ['riscv64'],
	s390x: ['s390x'],
};

/** 64-bit kernels whose programs may all be 32 bit (Raspberry Pi OS): what tells is the loader that the host has. */
const narrow: Readonly<
	Record<string, {readonly wide: RegExp; readonly small: RegExp; readonly is: readonly [string, string?]}>
> = {
	arm64: {wide: /\/ld-(?:linux|musl)-aarch64\.so/, small: /\/ld-(?:linux|musl)-armhf\.so/, is: ['arm', 'v7']},
	amd64: {wide: /\/ld-(?:linux-x86-64|musl-x86_64)\.so/, small: /\/ld-(?:linux\.so\.2|musl-i386\.so)/, is: ['386']},
};

function readPlatform(
	machine: string,
	libraries: readonly string[],
): Pick<SystemFacts, 'architecture' | 'variant' | 'narrowUserland'> {
	const [architecture, variant] = Object.hasOwn(machines, machine) ? machines[machine]! : ['unknown'];
	const userland = narrow[architecture];
	const has = (pattern: RegExp): boolean => libraries.some(path => pattern.test(path));
	if (userland !== undefined && has(userland.small) && !has(userland.wide)) {
		const [small, smallVariant] = userland.is;
		return {architecture: small, ...(smallVariant === undefined ? {} : {variant: smallVariant}), narrowUserland: true};
	}
	return {architecture, ...(variant === undefined ? {} : {variant})};
}

/** Libraries of another architecture may be beside the host's own: multiarch folders and lib32 say whose they are. */
function isOf(architecture: string, path: string): boolean {
	const folder = path.split('/').at(-2) ?? '';
	if (folder === 'lib' || folder === 'lib64') return true;
	const own: Readonly<Record<string, RegExp>> = {
		amd64: /^x86_64-/,
		arm64: /^aarch64-/,
		arm: /^arm-/,
		'386': /^i[3-6]86-/,
	};
	return own[architecture]?.test(folder) ?? !/^(?:x86_64|aarch64|arm|i[3-6]86)-/.test(folder);
}

function readDistribution(answers: Answers): DistributionFacts {
	const lines = answers.lines('/etc/os-release');
	const release = assignments(lines.length > 0 ? lines : answers.lines('/usr/lib/os-release'));
	const id = release.get('ID') || 'unknown';
	const version = release.get('VERSION_ID');
	return {
		id,
		like: (release.get('ID_LIKE') ?? '').split(/\s+/).filter(Boolean),
		...(version === undefined || version === '' ? {} : {version}),
		name: release.get('PRETTY_NAME') || [release.get('NAME') || id, version].filter(Boolean).join(' '),
	};
}

function readLibc(architecture: string, answers: Answers): LibcFacts {
	const libraries = answers.said('library');
	const path = loaders[architecture];
	const loader = path !== undefined && libraries.includes(path) ? {loader: path} : {};
	const glibc = /^glibc (\d{1,3}(?:\.\d{1,3}){1,2})/.exec(answers.said('libc')[0] ?? '');
	if (glibc !== null) return {kind: 'glibc', version: glibc[1]!, ...loader};
	if (libraries.some(library => library.includes('/ld-musl-'))) return {kind: 'musl', ...loader};
	return {kind: 'loader' in loader ? 'glibc' : 'unknown', ...loader};
}

/** Each architecture's ABI fixes the path of its loader. */
const loaders: Readonly<Record<string, string>> = {
	'386': '/lib/ld-linux.so.2',
	amd64: '/lib64/ld-linux-x86-64.so.2',
	arm: '/lib/ld-linux-armhf.so.3',
	arm64: '/lib/ld-linux-aarch64.so.1',
	ppc64le: '/lib64/ld64.so.2',
	riscv64: '/lib/ld-linux-riscv64-lp64d.so.1',
	s390x: '/lib/ld64.so.1',
};

/** The highest version among the names that match. */
function highest(paths: readonly string[], pattern: RegExp): string | undefined {
	const versions = paths.map(path => pattern.exec(path)?.[1]).filter(version => version !== undefined);
	return versions.toSorted((a, b) => a.localeCompare(b, 'en', {numeric: true})).at(-1);
}
