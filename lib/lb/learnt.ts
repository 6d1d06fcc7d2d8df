import {mkdir, readFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {writeFileAtomic} from '../core/atomic-file.js';
import {ifExists} from '../core/io-error.js';
import {type BalancerSpec, type Member, memberKey, readSpec} from './spec.js';

/** Members that the cluster told before a restart, unless the file of the balancer has named others since. */
export async function readLearnt(file: string, spec: BalancerSpec): Promise<readonly Member[] | undefined> {
	const bytes = await ifExists(() => readFile(file));
	if (bytes === undefined) return undefined;
	try {
		const {of, members} = JSON.parse(bytes.toString()) as {of?: unknown; members?: unknown};
		return of === membersText(spec.members)
			? readSpec({members, address: spec.address, port: spec.port}, file).members
			: undefined;
	} catch {
		// Made by us for us: what is damaged is learnt again.
		return undefined;
	}
}

/** @throws Error of the file system */
export async function writeLearnt(
	file: string,
	{members: of}: Pick<BalancerSpec, 'members'>,
	members: readonly Member[],
): Promise<void> {
	await mkdir(dirname(file), {recursive: true});
	await writeFileAtomic(file, JSON.stringify({of: membersText(of), members: members.map(memberKey)}));
}

/** Those that the virtual address can be balanced over: the other family is for the other half of a dual-stack cluster. */
export function usableMembers({address}: Pick<BalancerSpec, 'address'>, members: readonly Member[]): readonly Member[] {
	return members.filter(member => member.address.includes(':') === address.includes(':') && member.address !== address);
}

/** Equal for lists of the same members in any order. */
export function membersText(members: readonly Member[]): string {
	return members.map(memberKey).sort().join();
}
