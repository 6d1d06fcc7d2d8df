import {emit, type OperationOptions} from '../../../core/events.js';
import {removeAgent} from '../../agent/install/remove.js';
import {printable} from '../../agent/reply.js';
import {removeBalancers} from '../../balance/install.js';
import type {HostFacts} from '../../facts/facts.js';
import {gatherFacts} from '../../facts/gather.js';
import type {HostOutcome} from '../../host/each.js';
import {HostError} from '../../host/error.js';
import type {Performer, RunHost} from '../../lifecycle/run.js';
import {removeMirrors} from '../../mirror/install.js';
import type {Leftover, Undone} from '../../node/work.js';
import {kubeconfigPlaces} from '../../pki/cluster/places.js';
import {exec} from '../../transport/exec.js';
import type {OpenTransport} from '../../transport/transport.js';
import {compareFacts, isComparable, leftoversIn} from '../second-look.js';
import {callAgent, hostOf, tell, warnOfLeftover} from './on-host.js';

/**
 * Leaves a host as it was found: the load balancer and the registry go, then what preparing changed, and at last content and agent. Facts
 * are read once more before those go; what differs from the facts of before is told as a leftover, and `host.restored` says
 * whether the host is clean. While something is left that was recorded, the record stays.
 */
export const restore: Performer<'restore'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const {signal} = options;
	// What takes the load balancer out of the kernel is the agent, and an earlier attempt may have removed it.
	await host.agent();
	const open: OpenTransport = () => keptOpen(host);
	for (const [outcome] of [
		await removeBalancers([host.target], open, {signal}),
		await removeMirrors([host.target], open, {signal, purge: true}),
	])
		for (const line of changesOf(outcome)) tell(action.id, line, options);
	const {done, leftovers, before} = await undo(host, action.id, options);
	for (const line of done) tell(action.id, line, options);
	const facts = await gatherFacts(host.transport, {signal});
	const seen = before === undefined ? leftoversIn(facts) : compareFacts(before, facts);
	if (leftovers.length === 0) await removeAgent(host.transport, {force: true, signal});
	await removeKept(host, run.root, leftovers.length > 0, options);
	report(host, [...leftovers, ...seen], options);
};

type Restored = Undone & {readonly before?: HostFacts | undefined};

async function undo(host: RunHost, id: string, options: OperationOptions): Promise<Restored> {
	const {before, ...undone} = (await callAgent(host, 'restore', {}, id, options)) as Undone & {
		readonly before?: unknown;
	};
	await (await host.agent()).close();
	return {...undone, before: isComparable(before) ? before : undefined};
}

/** A transport that lasts: who is done with it must not close it. */
function keptOpen({transport}: RunHost): RunHost['transport'] {
	const stays = (): Promise<void> => Promise.resolve();
	return {
		host: transport.host,
		spawn: (argv, options) => transport.spawn(argv, options),
		close: stays,
		[Symbol.asyncDispose]: stays,
	};
}

function changesOf(outcome: HostOutcome<{readonly changes: readonly string[]}> | undefined): readonly string[] {
	if (outcome === undefined) return [];
	if (!outcome.ok) throw outcome.error;
	return outcome.value.changes;
}

/** The key of the balancer, working copies, content, what made the host a member, and the record unless it is still needed. */
async function removeKept(host: RunHost, root: string, keepsRecord: boolean, options: OperationOptions): Promise<void> {
	const kept = keepsRecord ? 'node facts-before.json' : '';
	const argv = ['sh', '-c', script, 'sealimage-restore', root, kept, kubeconfigPlaces.balancer];
	const {status, stderr} = await exec(host.transport, argv, {signal: options.signal, timeoutMs: 600_000});
	if (status.code === 0) return;
	const said = stderr
		.subarray(-500)
		.toString()
		.trim()
		.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
	throw new HostError(host.name, 'ERR_RESET', `${root} cannot be removed: ${said}`, {
		hint: 'Mend what it says, and run the command again: it goes on with what is left.',
	});
}

/** Nothing but the folder itself, and nothing that is mounted below it. */
const script = `
root=$1 keep=$2 access=$3
case $root in /*/*) ;; *) echo 'It is no folder of ours' >&2; exit 1 ;; esac
rm -f -- "$access" "$access.sealimage-new" || exit 1
rmdir -- "\${access%/*}" 2>/dev/null || :
[ -d "$root" ] || exit 0
set +f
for path in "$root"/* "$root"/.[!.]*; do
	[ -e "$path" ] || [ -L "$path" ] || continue
	case " cluster $keep " in *" \${path##*/} "*) continue ;; esac
	rm -rf --one-file-system -- "$path" || exit 1
done
# By what is in it the host is known to be ours: after a cut the rest is found again.
rm -rf --one-file-system -- "$root/cluster" || exit 1
[ -n "$keep" ] || rmdir -- "$root" 2>/dev/null || :
sync
`;

function report(host: RunHost, leftovers: readonly Leftover[], options: OperationOptions): void {
	const shown = leftovers.slice(0, 100).map(({what, why}) => ({
		what: printable(String(what), 400),
		why: printable(String(why), 400),
	}));
	for (const leftover of shown) warnOfLeftover(host.name, leftover, options);
	emit(options, {type: 'host.restored', host: host.name, clean: leftovers.length === 0, leftovers: shown});
}
