import {access, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists} from '../../../core/io-error.js';
import type {NodeOptions} from '../../node/changes.js';
import {type NodeSystem, runOk} from '../../node/system.js';
import type {Work} from '../../node/work.js';
import {reach} from './reach.js';
import {openSets, type SetTable} from './sets.js';

/** What else on the host lets things be that look like ours. */
export interface NetfilterOptions extends NodeOptions {
	/** Somebody else had networks of CNI before: chains of its plugins may be theirs. */
	readonly othersUseCni: boolean;
	readonly openTable?: (() => Promise<SetTable>) | undefined;
}

/**
 * Takes the chains, sets and tables of Kubernetes and of pod networks out of the packet filters, by their names, and the rules of
 * other chains that lead there. No table is flushed and nothing else is touched; tools are asked only for what the kernel has loaded,
 * because asking loads it.
 */
export async function clearNetfilter(system: NodeSystem, work: Work, options: NetfilterOptions): Promise<void> {
	for (const tool of await toolsOf(options)) {
		const saved = await system.run([`${tool}-save`], options);
		const input = saved.code === 0 ? removalOf(saved.stdout, options.othersUseCni) : undefined;
		if (input === undefined) continue;
		await work.attempt(`remove the chains of Kubernetes from ${tool}`, tool, () =>
			runOk(system, [`${tool}-restore`, '--noflush'], `remove chains from ${tool}`, {...options, input}),
		);
	}
	if (await isThere(options, 'sys/module/nf_tables')) await clearTables(system, work, options);
	if (await isThere(options, 'sys/module/ip_set')) await clearSets(work, options);
}

/**
 * What iptables-restore is to do about what iptables-save says: chains of ours emptied and deleted, and rules of other chains that lead
 * to them or that say to be ours. Undefined when there is nothing of the kind.
 */
export function removalOf(saved: string, othersUseCni = false): string | undefined {
	const isOurs = (chain: string): boolean => ourChains.test(chain) && !(othersUseCni && chain.startsWith('CNI-'));
	const tables: string[] = [];
	for (const [, table = '', body = ''] of saved.matchAll(/^\*(\w+)\n([\s\S]*?)^COMMIT$/gm)) {
		const lines = body.split('\n');
		const chains = lines.flatMap(line => /^:(\S+)/.exec(line)?.[1] ?? []).filter(isOurs);
		const rules = lines.flatMap(line => {
			const [, chain = '', rule = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
			return chain !== '' && !isOurs(chain) && leadsToUs(rule, isOurs) ? [`-D ${chain} ${rule}`] : [];
		});
		if (chains.length + rules.length === 0) continue;
		// Naming a chain empties it; a chain that is led to cannot be deleted, so rules go first.
		const order = [...chains.map(chain => `:${chain} - [0:0]`), ...rules, ...chains.map(chain => `-X ${chain}`)];
		tables.push(`*${table}\n${order.join('\n')}\nCOMMIT\n`);
	}
	return tables.length === 0 ? undefined : tables.join('');
}

const ourChains = /^(?:KUBE-|CNI-|cali-|FLANNEL-|(?:OLD_)?CILIUM_|WEAVE-)/;
/** Rules of calico and of older flannels are known by their comments alone. */
const ourComments = /--comment (?:"?cali:|"?flanneld )/;

function leadsToUs(rule: string, isOurs: (chain: string) => boolean): boolean {
	if (ourComments.test(rule)) return true;
	const words = rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
	return isOurs(/(?:^| )(?:-j|-g|--jump|--goto) (\S+)/.exec(words)?.[1] ?? '');
}

/** Either form of iptables may be what a component has used; which of them the plain names mean differs from host to host. */
async function toolsOf(options: NodeOptions): Promise<readonly string[]> {
	const {disk = '/'} = options;
	const hasNft = await isThere(options, 'sys/module/nf_tables');
	const legacy = async (file: string): Promise<boolean> =>
		((await ifExists(() => readFile(join(disk, 'proc/net', file), 'utf8'))) ?? '').trim() !== '';
	const [has4, has6] = [await legacy('ip_tables_names'), await legacy('ip6_tables_names')];
	return [
		...(hasNft || has4 ? ['iptables'] : []),
		...(hasNft ? ['iptables-nft'] : []),
		...(has4 ? ['iptables-legacy'] : []),
		...(hasNft || has6 ? ['ip6tables'] : []),
		...(hasNft ? ['ip6tables-nft'] : []),
		...(has6 ? ['ip6tables-legacy'] : []),
	];
}

/** In this form a component has a table of its own. */
async function clearTables(system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const {stdout} = await system.run(['nft', 'list', 'tables'], options);
	for (const [, family = '', name = ''] of stdout.matchAll(
		/^table (ip6?|inet) (kube-proxy|calico|flannel-ipv[46])$/gm,
	)) {
		const title = `remove the table ${name} of ${family} from nftables`;
		await work.attempt(title, name, () => runOk(system, ['nft', 'delete', 'table', family, name], title, options));
	}
}

async function clearSets(work: Work, {openTable = openSets}: NetfilterOptions): Promise<void> {
	await work.attempt('', 'sets of addresses', async () => {
		const table = await reach(openTable);
		try {
			for (const name of table.names().filter(candidate => ourSets.test(candidate)))
				await work.attempt(`remove the set ${name}`, name, () => Promise.resolve(table.destroy(name)));
		} finally {
			table.close();
		}
	});
}

const ourSets = /^(?:KUBE-|cali[46]0|CILIUM|weave-)/;

async function isThere({disk = '/'}: NodeOptions, path: string): Promise<boolean> {
	return (await ifExists(() => access(join(disk, path)).then(() => true))) === true;
}
