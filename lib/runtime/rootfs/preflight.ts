import type {HostFacts} from '../facts/facts.js';
import {minorFacts} from '../kubeadm/minors.js';
import type {ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import {listing} from '../preflight/check.js';
import type {HostFinding} from '../preflight/finding.js';
import {commonNeeds, defaultNeeds, type HostNeeds, type PreflightOptions} from '../preflight/options.js';
import {preflight} from '../preflight/preflight.js';
import type {HostState} from '../state/host-state.js';
import {rootfsFiles} from './files.js';
import {programsOf} from './programs.js';

export interface KubernetesPreflightOptions extends Pick<PreflightOptions, 'ignore' | 'maxClockSkewMs'> {
	/** Hosts are taken from whoever has them: what another Kubernetes has there goes before anything comes. */
	readonly isForced?: boolean | undefined;
}

/**
 * Judges hosts for Kubernetes before anything is touched: all that answer, each alone and all together. What a host has because it is in
 * this cluster already is nothing to find. Pure.
 * @throws SealError ERR_CIDR, ERR_PLATFORM, ERR_IMAGE_UNKNOWN without a rootfs image
 */
export function kubernetesFindings(
	setting: ClusterSetting,
	states: ReadonlyMap<string, Pick<HostState, 'facts' | 'member'>>,
	options: KubernetesPreflightOptions = {},
): readonly HostFinding[] {
	const present = setting.hosts.flatMap(host => {
		const state = states.get(host.name);
		return state === undefined
			? []
			: [{host, facts: state.facts, isIn: options.isForced === true || state.member?.id === setting.id}];
	});
	const settled = new Set(present.filter(({isIn}) => isIn).map(({host}) => host.name));
	const found = preflight(
		present.map(({facts}) => facts),
		{
			...kubernetesNeeds(setting),
			maxClockSkewMs: options.maxClockSkewMs,
			ignore: [...(options.ignore ?? []), 'swap-on'],
		},
	);
	const foreign = othersPrograms(present.filter(({isIn}) => !isIn).map(({facts}) => facts));
	return [...found, ...foreign]
		.map(finding => withoutOwn(finding, settled))
		.filter(({hosts}) => hosts.length > 0)
		.filter(({id}) => options.ignore?.includes(id) !== true)
		.map(finding => forKubernetes(finding, setting))
		.toSorted((a, b) => Number(a.severity !== 'error') - Number(b.severity !== 'error'));
}

/** What hosts need for the roles of a setting, by role and platform: as much room as its images take, and what kubeadm of its version looks for. */
function kubernetesNeeds(setting: ClusterSetting): PreflightOptions {
	const {network, hosts, images} = setting;
	const {pods, services, virtualAddress} = network;
	const kindOf = ({isMaster, platform}: SettingHost): string => `${isMaster ? 'master' : 'node'} ${platform}`;
	const kinds = new Map(hosts.map(host => [kindOf(host), host]));
	return {
		// Images differ in size from platform to platform.
		roles: Object.fromEntries(hosts.map(host => [host.name, [kindOf(host)]])),
		needs: Object.fromEntries([...kinds].map(([kind, host]) => [kind, needsOfHost(setting, host)])),
		common: {...commonNeeds, freeBytes: {'/opt': 400 * mebibyte}},
		networks: {pods, services, virtual: [virtualAddress]},
		platforms: [
			...new Set(images.filter(({type}) => type === 'rootfs').flatMap(image => Object.keys(image.platforms))),
		],
	};
}

const mebibyte = 1024 * 1024;

function needsOfHost(setting: ClusterSetting, host: SettingHost): HostNeeds {
	const usual = defaultNeeds[host.isMaster ? 'master' : 'node'] ?? {};
	const compressed = setting.images
		.filter(({type}) => type !== 'application' || host.isMaster)
		.reduce((sum, {platforms}) => sum + (platforms[host.platform]?.bytes ?? 0), 0);
	// Unpacked, content is two to three times as large; images are unpacked once more by containerd.
	const room = {
		'/var/lib/sealimage': 3 * compressed,
		'/var/lib/containerd': 2 * compressed,
		'/var/lib/kubelet': 200 * mebibyte,
	};
	const brought = programsOf(rootfsFiles(setting, host), '').names;
	const commands = [...(usual.commands ?? []), ...(minorFacts(setting.version).needsConntrack ? ['conntrack'] : [])];
	return {
		...usual,
		freeBytes: host.isMaster ? {...room, '/var/lib/etcd': 500 * mebibyte} : room,
		ports: usual.ports?.map(need => (need.port === 6443 ? {...need, port: setting.network.apiPort} : need)),
		commands: commands.filter(name => !brought.has(name)),
		modules: [
			'br_netfilter',
			'nf_conntrack',
			'overlay',
			...(setting.proxyMode === 'ipvs' ? ['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh'] : []),
		],
	};
}

/** What a host of this cluster has because it is one. */
const ownMaking: ReadonlySet<string> = new Set([
	'address-overlap',
	// It has most of the content already; what is brought to it is measured then.
	'disk-small',
	'left-over',
	'port-taken',
	'route-overlap',
	'runtime-running',
	'service-running',
]);

function withoutOwn(finding: HostFinding, settled: ReadonlySet<string>): HostFinding {
	return ownMaking.has(finding.id) ? {...finding, hosts: finding.hosts.filter(name => !settled.has(name))} : finding;
}

/** Programs that hosts have from elsewhere, and that take part in nothing now. */
function othersPrograms(all: readonly HostFacts[]): readonly HostFinding[] {
	const byNames = new Map<string, string[]>();
	for (const {host, software} of all) {
		const found = ['kubelet', 'kubeadm', 'containerd'].filter(name => software.commands[name]?.startsWith('/usr/bin/'));
		if (found.length > 0) byNames.set(listing(found), [...(byNames.get(listing(found)) ?? []), host]);
	}
	return [...byNames].map(([names, hosts]) => ({
		id: 'programs-of-others',
		severity: 'warning',
		hosts,
		what: `${names} ${names.includes(' ') ? 'are' : 'is'} installed already, not by sealimage`,
		why: 'Programs of the image take their place; a package manager may put its own back one day, and mix versions.',
		mend: 'Remove the packages that they are of, or keep them from being upgraded; resetting the host puts the files back.',
	}));
}

/** What is worse, or less bad, for a node than for any host, and what to do about it there. */
function forKubernetes(finding: HostFinding, {network}: ClusterSetting): HostFinding {
	switch (finding.id) {
		case 'runtime-running':
			return {
				...finding,
				severity: 'error',
				why: 'The containerd of the image would take the place of one that others use.',
				mend: 'Stop and remove the runtime that is there, or leave the host out.',
			};
		case 'cpus-few':
		case 'memory-small':
			return {...finding, severity: 'warning'};
		case 'firewall-active': {
			const sources = [...network.pods, ...network.services].join(', ');
			const mend = /firewalld|ufw/.test(finding.what)
				? `Nothing, for the cluster itself: sealimage lets its hosts and ${sources} through firewalld and ufw. Allow port ${network.apiPort} and node ports for others by yourself.`
				: `Allow all hosts of the cluster and ${sources} through it: sealimage changes no rules that were written by hand.`;
			return {...finding, mend};
		}
		default:
			return finding;
	}
}
