import type {HostFacts, InterfaceFacts, PathFacts, PortFacts} from '../../lib/runtime/facts/facts.js';
import type {Style} from './style.js';
import {renderFields, renderTable} from './table.js';
import {count, formatBytes} from './units.js';

/** One line a host, for comparing many. */
export function renderFactsTable(facts: readonly HostFacts[], style: Style): string {
	const rows = facts.map(({host, identity, system, kernel, hardware, paths, clock}) => [
		host,
		identity.hostname,
		system.distribution.name,
		kernel.release,
		platformOf(system),
		String(hardware.cpus),
		formatBytes(hardware.memoryBytes),
		tightest(paths),
		offsetText(clock.offsetMs),
	]);
	const titles = ['HOST', 'HOSTNAME', 'SYSTEM', 'KERNEL', 'PLATFORM', 'CPUS', 'MEMORY', 'LEAST FREE', 'CLOCK'];
	const right = new Set(['CPUS', 'MEMORY', 'CLOCK']);
	return renderTable(
		titles.map(title => (right.has(title) ? {title, align: 'right'} : {title})),
		rows,
		style,
	);
}

/** All that people ask of one host; the rest is in the JSON. */
export function renderFacts(facts: HostFacts, style: Style): string {
	const {host, identity, system, kernel, hardware, clock, network, security, software} = facts;
	return renderFields(
		[
			['Host', identity.hostname === host ? host : `${host}, which calls itself ${identity.hostname}`],
			['System', `${system.distribution.name}, ${platformOf(system)}, ${initOf(system)}, ${libcOf(system)}`],
			['Machine', [identity.product, identity.container].filter(text => text !== undefined)],
			['Kernel', [`${kernel.release}, cgroup ${kernel.cgroup.version} (${kernel.cgroup.controllers.join(' ')})`]],
			['Modules', modulesOf(kernel)],
			[
				'Processors',
				[hardware.cpuModel === undefined ? `${hardware.cpus}` : `${hardware.cpus} x ${hardware.cpuModel}`],
			],
			['Memory', memoryOf(hardware)],
			['Clock', clockOf(clock)],
			['Folders', folderLines(facts.paths)],
			['Interfaces', network.interfaces.map(interfaceLine)],
			[
				'Routes',
				network.routes.map(({to, via, interface: name}) => `${to} ${via === undefined ? '' : `via ${via} `}on ${name}`),
			],
			['DNS', network.nameServers.length === 0 ? 'no name server' : network.nameServers.join(', ')],
			['Security', securityOf(security)],
			['Software', Object.entries(software.versions).map(([name, version]) => `${name}: ${version}`)],
			['Services', software.services.join(', ')],
			['Present', software.present],
			['Ports', facts.ports.map(portLine)],
			['Machine id', identity.machineId ?? ''],
			['Product id', identity.productUuid ?? ''],
		],
		style,
	);
}

function platformOf({architecture, variant}: HostFacts['system']): string {
	return `linux/${architecture}${variant === undefined ? '' : `/${variant}`}`;
}

function initOf({init, systemdVersion}: HostFacts['system']): string {
	return systemdVersion === undefined ? init : `${init} ${systemdVersion}`;
}

function libcOf({libc, libstdcxx}: HostFacts['system']): string {
	const name = libc.version === undefined ? libc.kind : `${libc.kind} ${libc.version}`;
	return libstdcxx === undefined ? `${name}, no libstdc++` : `${name}, libstdc++ ${libstdcxx}`;
}

function modulesOf({modules, modulesFolder}: HostFacts['kernel']): readonly string[] {
	const states = ['loaded', 'loadable', 'blocked', 'absent', 'unknown'] as const;
	return [
		...states.flatMap(state => {
			const names = Object.keys(modules).filter(name => modules[name] === state);
			return names.length === 0 ? [] : [`${state}: ${names.join(' ')}`];
		}),
		...(modulesFolder ? [] : ['the folder of the modules of this kernel is missing']),
	];
}

function memoryOf({memoryBytes, availableBytes, swaps}: HostFacts['hardware']): string {
	const free = availableBytes === undefined ? '' : `, ${formatBytes(availableBytes)} available`;
	const swapBytes = swaps.reduce((sum, {sizeBytes}) => sum + sizeBytes, 0);
	return `${formatBytes(memoryBytes)}${free}, ${swaps.length === 0 ? 'no swap' : `${formatBytes(swapBytes)} swap`}`;
}

function clockOf({offsetMs, uncertaintyMs, service}: HostFacts['clock']): string {
	const exact = uncertaintyMs === undefined ? '' : ` (±${Math.round(uncertaintyMs)} ms)`;
	return `${offsetMs === undefined ? 'unknown' : `${offsetText(offsetMs)}${exact}`}, ${service ?? 'kept by no service'}`;
}

/** "+1.2 s": the host is ahead of this machine. */
function offsetText(offsetMs: number | undefined): string {
	if (offsetMs === undefined) return '';
	const sign = offsetMs < 0 ? '-' : '+';
	const ms = Math.abs(Math.round(offsetMs));
	return ms < 1000 ? `${sign}${ms} ms` : `${sign}${(ms / 1000).toFixed(1)} s`;
}

/** Folders of one file system share its space, and a line. */
function folderLines(paths: readonly PathFacts[]): readonly string[] {
	const groups = new Map<string, string[]>();
	for (const facts of paths) {
		const text = spaceOf(facts);
		groups.set(text, [...(groups.get(text) ?? []), facts.existing === facts.path ? facts.path : `(${facts.path})`]);
	}
	return [...groups].map(([text, folders]) => `${text}: ${folders.join(' ')}`);
}

function spaceOf({freeBytes, totalBytes, fileSystem, mountPoint, writable}: PathFacts): string {
	const isKnown = freeBytes !== undefined && totalBytes !== undefined;
	return [
		isKnown ? `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free` : 'space unknown',
		...(fileSystem === undefined ? [] : [fileSystem]),
		...(mountPoint === undefined ? [] : [`at ${mountPoint}`]),
		...(writable ? [] : ['not writable']),
	].join(' ');
}

/** "1.2 GB in /var". What is in memory is small everywhere. */
function tightest(paths: readonly PathFacts[]): string {
	const [least] = paths
		.filter(({freeBytes, fileSystem}) => freeBytes !== undefined && fileSystem !== 'tmpfs')
		.toSorted((a, b) => (a.freeBytes ?? 0) - (b.freeBytes ?? 0));
	return least === undefined ? '' : `${formatBytes(least.freeBytes ?? 0)} in ${least.path}`;
}

function interfaceLine({name, addresses, state, mtu, hardware}: InterfaceFacts): string {
	return [
		`${name}: ${addresses.length === 0 ? 'no address' : addresses.join(' ')}`,
		...(state === undefined ? [] : [state]),
		...(mtu === undefined ? [] : [`mtu ${mtu}`]),
		...(hardware ? [] : ['virtual']),
	].join(', ');
}

function securityOf({selinux, apparmor, firewalls}: HostFacts['security']): string {
	return [
		`SELinux ${selinux}`,
		apparmor ? 'AppArmor' : 'no AppArmor',
		firewalls.length === 0 ? 'no firewall' : `${count(firewalls.length, 'firewall')}: ${firewalls.join(', ')}`,
	].join(', ');
}

function portLine({protocol, address, port, process, unit, pid}: PortFacts): string {
	const owner = unit ?? process ?? (pid === undefined ? undefined : `process ${pid}`);
	const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
	return `${protocol} ${where}${owner === undefined ? '' : ` ${owner}`}`;
}
