import {SealError} from '../../core/errors.js';
import {addressBytes, addressText, endpointText} from '../../core/ip-address.js';
import {openRoutes, type Routes} from '../netlink/route.js';
import {type BalancerSpec, memberKey} from '../spec.js';
import type {Form} from '../table.js';
import {type Memory, readMemory, writeMemory} from './memory.js';
import {hasIpvs, loadAtBoot, loadedModules, modprobe} from './modules.js';
import {defaultStateFile, type SurroundingsOptions} from './options.js';
import {othersService} from './owner.js';
import {ensurePods} from './pods.js';
import {allowed} from './refusals.js';
import {differingSysctls, kernelRelease, wantedSysctls, writeSysctl} from './sysctls.js';
import {forgetShares, undo} from './undo.js';

export interface Prepared {
	readonly form: Form;
	readonly nodeAddress: string;
	/** Sentences, such as "set net.ipv4.vs.conntrack from 0 to 1"; none when all was as it should be. */
	readonly changes: readonly string[];
}

/**
 * Makes a node ready for a balancer: modules, sysctls, the route to the virtual address, masquerade for pods. Idempotent and cheap when there is
 * nothing to do (a few netlink messages), so the loop may call it now and then. Does not touch the table of members, but for that of another virtual
 * address that was ours before.
 * @throws SealError ERR_LB_MODULE neither form is possible; ERR_LB_ADDRESS the virtual address is on a device of this host, or `nodeAddress` is on none;
 *   ERR_LB_SOURCE no member can be routed to (at boot: the network is not up yet; try again); ERR_LB_PORT somebody else's virtual service has the
 *   address and port; ERR_LB_DENIED
 */
export async function prepareNode(spec: BalancerSpec, options: SurroundingsOptions = {}): Promise<Prepared> {
	const {stateFile = defaultStateFile, root = '/', signal} = options;
	signal?.throwIfAborted();
	const routes = await openRoutes();
	try {
		const changes: string[] = [];
		let memory = await readMemory(stateFile);
		const nodeAddress = sourceFor(spec, routes, options.nodeAddress);
		if (memory.service !== undefined && endpointText(memory.service) !== endpointText(spec)) {
			changes.push(...(await allowed('take out the balancer of before', () => undo(memory, routes, options))));
			memory = {sysctls: memory.sysctls, modules: memory.modules};
		}
		const {form, loaded} = await allowed('load the module ip_vs', () => chooseForm(spec, memory, options));
		changes.push(...loaded.map(name => `loaded the module ${name}`));
		if (form === 'ipvs') await allowed('read the table of IPVS', () => refuseOthersService(spec, memory));
		const sysctls = form === 'ipvs' ? await differingSysctls(root, wantedSysctls(await kernelRelease(root))) : [];
		const known = sysctls.filter(({found}) => found !== undefined);
		const before = Object.fromEntries(known.map(({name, found}) => [name, found ?? '']));
		const next: Memory = {
			...memory,
			service: {address: spec.address, port: spec.port},
			sysctls: {...memory.sysctls, ...before},
			modules: [...new Set([...memory.modules, ...loaded])],
		};
		await remember(stateFile, memory, next);
		for (const {name, wanted, found} of known) {
			await allowed(`set ${name} to ${wanted}`, () => writeSysctl(root, name, wanted));
			changes.push(`set ${name} from ${found} to ${wanted}`);
		}
		if (form === 'ipvs' && (await loadAtBoot(root, modulesFor(spec))))
			changes.push('let the modules of IPVS be loaded at boot');
		changes.push(...(await allowed(`make ${spec.address} local`, () => ensureRoute(spec, routes, nodeAddress))));
		// Left from when the kernel had no IPVS: packets would not get as far as IPVS.
		if (form === 'ipvs' && (await allowed('look at nftables', () => forgetShares(spec))))
			changes.push(`removed the members of ${endpointText(spec)} from nftables`);
		changes.push(...(await masquerade(spec, stateFile, next, options)));
		return {form, nodeAddress, changes};
	} finally {
		routes.close();
	}
}

/** The kernel loads a scheduler by itself when it is asked for; at boot it is loaded with the rest. */
function modulesFor({scheduler}: BalancerSpec): readonly string[] {
	return ['ip_vs', `ip_vs_${scheduler}`];
}

/** The virtual address on no device, the node's on one. */
function sourceFor(spec: BalancerSpec, routes: Routes, given: string | undefined): string {
	// The kernel would take the route all the same.
	if (/^(?:0|127|22[4-9]|2[345]\d)\.|^::1?$|^ff|^fe[89ab]/.test(spec.address))
		throw new SealError('ERR_LB_ADDRESS', `The virtual address ${spec.address} is none that a host can have`, {
			hint: 'Choose a private address, such as 10.103.97.2.',
		});
	const own = routes.addresses(spec.address);
	if (own.includes(spec.address))
		throw new SealError('ERR_LB_ADDRESS', `The virtual address ${spec.address} is on a device of this host`, {
			hint: 'Choose a virtual address that no host and no network has, such as 10.103.97.2.',
		});
	if (given !== undefined) {
		const address = addressText(addressBytes(given));
		if (own.includes(address)) return address;
		throw new SealError('ERR_LB_ADDRESS', `The node's address ${address} is on no device of this host`, {
			hint: 'Give an address of this host that its members can answer to, or none: then one is found.',
			details: {addresses: own.slice(0, 20)},
		});
	}
	for (const member of spec.members) {
		const source = routes.sourceTo(member.address);
		if (source !== undefined && own.includes(source)) return source;
	}
	throw new SealError('ERR_LB_SOURCE', `No route leads to a member of ${endpointText(spec)}`, {
		hint: 'Look at "ip route get" with a member\'s address; at boot, wait for the network.',
		details: {members: spec.members.slice(0, 20).map(memberKey)},
	});
}

async function chooseForm(
	spec: BalancerSpec,
	memory: Memory,
	{form, root = '/', onEvent, signal}: SurroundingsOptions,
): Promise<{readonly form: Form; readonly loaded: readonly string[]}> {
	if (form === 'nftables') return {form, loaded: []};
	const names = modulesFor(spec);
	const before = await loadedModules(root, names);
	// To ask for IPVS makes newer kernels load it by themselves; older ones have to be told. A scheduler may also be built in.
	const isNew = memory.service === undefined && before.length < names.length;
	const why = isNew || !(await hasIpvs()) ? await modprobe(names, {signal}) : undefined;
	if (await hasIpvs()) {
		const loaded = (await loadedModules(root, names)).filter(name => !before.includes(name));
		return {form: 'ipvs', loaded: loaded.reverse()};
	}
	const missing = `This kernel has no IPVS, and the module ip_vs cannot be loaded: ${why ?? 'it says nothing about why'}`;
	if (form === 'ipvs')
		throw new SealError('ERR_LB_MODULE', missing, {
			hint: 'Install the package with the rest of the kernel\'s modules, or run "modprobe ip_vs" as root to see more.',
		});
	onEvent?.({
		type: 'warning',
		code: 'ERR_LB_MODULE',
		message: missing,
		hint: "Install the kernel's module ip_vs; until then nftables balances, without schedulers and with less to see.",
	});
	return {form: 'nftables', loaded: []};
}

/** A service of that address and port that we do not remember, with no member of ours in it, is somebody else's. */
async function refuseOthersService(spec: BalancerSpec, memory: Memory): Promise<void> {
	if (memory.service !== undefined) return;
	const found = await othersService(spec);
	if (found === undefined) return;
	throw new SealError('ERR_LB_PORT', `Another virtual service has ${endpointText(spec)} on this host already`, {
		hint: 'Choose another virtual address or port, or remove that service with "ipvsadm -D".',
		details: {members: found.slice(0, 20)},
	});
}

async function remember(file: string, before: Memory, next: Memory): Promise<void> {
	if (JSON.stringify(before) !== JSON.stringify(next)) await writeMemory(file, next);
}

/**
 * A local address without a device: packets of pods come to where IPVS takes them, those of the host keep the node's address, and without a
 * table a connection is refused instead of leaving the host.
 */
function ensureRoute({address}: BalancerSpec, routes: Routes, source: string): readonly string[] {
	const found = routes.localSource(address);
	if (found === source) return [];
	routes.addLocal(address, source);
	return [`made ${address} local with the source ${source}${found === undefined ? '' : ` instead of ${found}`}`];
}

/** Without it the host itself still reaches the API: a warning. */
async function masquerade(
	spec: BalancerSpec,
	stateFile: string,
	memory: Memory,
	{signal, onEvent}: SurroundingsOptions,
): Promise<readonly string[]> {
	try {
		const {way, changed} = await allowed('masquerade pods', () => ensurePods(spec, signal));
		await remember(stateFile, memory, {...memory, masquerade: way});
		return changed ? [`masqueraded pods that reach for ${endpointText(spec)}, by ${way}`] : [];
	} catch (error) {
		if (!(error instanceof SealError) || error.code !== 'ERR_NFTABLES') throw error;
		onEvent?.({
			type: 'warning',
			code: error.code,
			message: error.message,
			...(error.hint === undefined ? {} : {hint: error.hint}),
		});
		return [];
	}
}
