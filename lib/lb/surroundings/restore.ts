import {addressBytes, endpointText} from '../../core/ip-address.js';
import {openIpvs} from '../ipvs/kernel.js';
import {openRoutes} from '../netlink/route.js';
import type {BalancerSpec} from '../spec.js';
import {forget, type Memory, readMemory} from './memory.js';
import {modprobe, notAtBoot, runsIpvs} from './modules.js';
import {defaultStateFile, type SurroundingsOptions} from './options.js';
import {othersService} from './owner.js';
import {allowed} from './refusals.js';
import {kernelRelease, readSysctl, wantedSysctls, writeSysctl} from './sysctls.js';
import {undo} from './undo.js';

type Ours = Pick<BalancerSpec, 'address' | 'port' | 'members'>;

/**
 * Undoes `prepareNode` and takes the table of members out too; sentences that say what was undone. Idempotent. While others have virtual services on this
 * host, the sysctls and modules stay as they are: they may rely on them.
 * @throws SealError ERR_LB_DENIED, ERR_NETLINK
 */
export async function restoreNode(spec: Ours, options: SurroundingsOptions = {}): Promise<readonly string[]> {
	const {stateFile = defaultStateFile, root = '/', signal} = options;
	signal?.throwIfAborted();
	addressBytes(spec.address);
	const memory = await readMemory(stateFile);
	const routes = await openRoutes();
	try {
		return await allowed(`take ${endpointText(spec)} out of the kernel`, async () => {
			// What we do not remember is taken out only when it has a member of ours.
			const isOthers =
				memory.service === undefined && (await runsIpvs(root)) && (await othersService(spec)) !== undefined;
			const undone = [...(await undo({...memory, service: memory.service ?? spec}, routes, options, isOthers))];
			if (!(await othersUseIpvs(root))) {
				undone.push(...(await restoreSysctls(root, memory)));
				undone.push(...(await unload(memory, signal)));
			}
			if (await notAtBoot(root)) undone.push('let the modules of IPVS be loaded at boot no more');
			await forget(stateFile);
			return undone;
		});
	} finally {
		routes.close();
	}
}

async function othersUseIpvs(root: string): Promise<boolean> {
	if (!(await runsIpvs(root))) return false;
	const ipvs = await openIpvs();
	try {
		return ipvs.services().length > 0;
	} finally {
		ipvs.close();
	}
}

/** Only where our value still stands: who changed it since meant something by it. */
async function restoreSysctls(root: string, memory: Memory): Promise<readonly string[]> {
	const ours = wantedSysctls(await kernelRelease(root));
	const undone: string[] = [];
	for (const [name, value] of Object.entries(memory.sysctls)) {
		if ((await readSysctl(root, name)) !== ours[name] || ours[name] === value) continue;
		await writeSysctl(root, name, value);
		undone.push(`set ${name} back to ${value}`);
	}
	return undone;
}

/** A module that somebody uses by now stays; nothing is lost by that. */
async function unload({modules}: Memory, signal: AbortSignal | undefined): Promise<readonly string[]> {
	const undone: string[] = [];
	for (const name of modules)
		if ((await modprobe([name], {unload: true, signal})) === undefined) undone.push(`unloaded the module ${name}`);
	return undone;
}
