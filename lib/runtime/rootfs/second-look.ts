import type {HostFacts} from '../facts/facts.js';
import type {Leftover} from '../node/work.js';

/**
 * What is not as it was, as far as facts tell. What changes by itself (memory, clocks, ports of clients) is no difference, nor is what
 * sealimage has of its own, which goes behind this look.
 */
export function compareFacts(before: HostFacts, after: HostFacts): readonly Leftover[] {
	const [then, now] = [before.software, after.software];
	const more = (one: readonly string[], other: readonly string[]): readonly string[] =>
		other.filter(name => !one.includes(name) && !isOurs(name));
	return [
		...told(more(then.services, now.services), 'runs, and did not before'),
		...told(more(now.services, then.services), 'ran before, and does not now'),
		...told(more(then.present, now.present), 'is there, and was not before'),
		...told(more(now.present, then.present), 'was there before, and is gone'),
		...told(more(then.sockets, now.sockets), 'is there, and was not before'),
		...told(more(Object.keys(then.commands), Object.keys(now.commands)), 'is installed, and was not before'),
		...told(more(Object.keys(now.commands), Object.keys(then.commands)), 'was installed before, and is gone'),
		...settings(before, after),
		...swaps(before, after),
		...interfaces(before, after),
		...security(before, after),
	];
}

/** Facts that were kept in a file on the host: anything may be in it. */
export function isComparable(value: unknown): value is HostFacts {
	const {schema, software, network, hardware, security, sysctls} = (value ?? {}) as Partial<HostFacts>;
	const lists = [
		...[software?.services, software?.present, software?.sockets],
		...[hardware?.swaps, network?.interfaces, network?.routes, security?.firewalls],
	];
	const isMap = (part: unknown): boolean => typeof part === 'object' && part !== null;
	return schema === 1 && isMap(software?.commands) && isMap(sysctls) && lists.every(Array.isArray);
}

/** Without anything to compare with: what a host that is no node has nothing of. */
export function leftoversIn({software, network}: HostFacts): readonly Leftover[] {
	const paths = ['/etc/kubernetes/admin.conf', '/etc/kubernetes/kubelet.conf', '/etc/kubernetes/manifests'];
	return [
		...told(
			software.present.filter(path => paths.includes(path)),
			'is there',
		),
		...told(
			software.services.filter(name => name === 'kubelet.service' || isOurs(name)),
			'runs',
		),
		...told(
			network.interfaces.map(({name}) => name).filter(name => name === 'kube-ipvs0' || name === 'cni0'),
			'is there',
		),
	];
}

function isOurs(name: string): boolean {
	return name === '/opt/sealimage' || name === '/var/lib/sealimage' || name.startsWith('sealimage-');
}

function told(names: readonly string[], why: string): readonly Leftover[] {
	return names.map(what => ({what, why}));
}

/** A setting that a module brought may stay with the module; one that was there has its value again. */
function settings({sysctls: then}: HostFacts, {sysctls: now}: HostFacts): readonly Leftover[] {
	return Object.entries(then)
		.filter(([name, value]) => now[name] !== undefined && now[name] !== value && !byItself.has(name))
		.map(([what, value]) => ({what, why: `is ${now[what] ?? ''}, and was ${value}`}));
}

/** The kernel counts these after the memory it finds. */
const byItself: ReadonlySet<string> = new Set(['fs.file-max', 'kernel.pid_max']);

function swaps({hardware: then}: HostFacts, {hardware: now}: HostFacts): readonly Leftover[] {
	const paths = now.swaps.map(({path}) => path);
	return told(
		then.swaps.map(({path}) => path).filter(path => !paths.includes(path)),
		'was swapped to before, and is not now',
	);
}

function interfaces({network: then}: HostFacts, {network: now}: HostFacts): readonly Leftover[] {
	const known = new Set(then.interfaces.map(({name}) => name));
	const routes = new Set(then.routes.map(({to, interface: name}) => `${to} ${name}`));
	return [
		...told(
			now.interfaces.map(({name}) => name).filter(name => !known.has(name)),
			'is an interface that was not there before',
		),
		...told(
			// Default routes come and go with announcements of routers.
			now.routes
				.filter(({to}) => to !== 'default')
				.map(({to, interface: name}) => `${to} ${name}`)
				.filter(route => !routes.has(route)),
			'is a route that was not there before',
		),
	];
}

function security({security: then}: HostFacts, {security: now}: HostFacts): readonly Leftover[] {
	return [
		...(then.selinux === now.selinux ? [] : [{what: 'SELinux', why: `is ${now.selinux}, and was ${then.selinux}`}]),
		...told(
			then.firewalls.filter(name => !now.firewalls.includes(name)),
			'was an active firewall before, and is not now',
		),
		...told(
			now.firewalls.filter(name => !then.firewalls.includes(name)),
			'is an active firewall, and was not before',
		),
	];
}
