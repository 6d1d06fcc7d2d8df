import {dirname} from 'node:path';
import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import {agentPath} from '../agent/agent-process.js';
import {wantedAgent} from '../agent/ensure.js';
import type {UnpackedImage} from '../content/content.js';
import {recordName} from '../content/folder.js';
import {platformIn, readStatement, type Statement, type StatementOf, treeOf} from '../content/statement.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import {exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {distinctBlobs, planImage} from './plan.js';
import type {Run} from './run.js';

/** An image that is whole on a host. */
export type SettledImage = UnpackedImage & {readonly name: string; readonly manifest: Digest};

/** A host with nothing to do. */
export interface SettledHost {
	readonly platform: string;
	readonly neededBytes: number;
	readonly images: readonly SettledImage[];
}

/**
 * What a host says of its images when all of them are whole there and its agent is the one that it should have; undefined when
 * there may be something to do.
 */
export async function findSettled(
	{options, names, imagesFor}: Run,
	transport: Transport,
	{roles}: HostTarget,
): Promise<SettledHost | undefined> {
	const {agent, agentBundle, installAgent, signal} = options;
	const settled = await askSettled(transport, names, {...agent, signal});
	if (settled === undefined) return undefined;
	const {platform, root} = settled;
	const needs = (await imagesFor(platform)).map(image => planImage(image, roles));
	const images: SettledImage[] = [];
	for (const {unpack} of needs) {
		const found = settled.statementOf(unpack);
		if (found === undefined) return undefined;
		const {files, bytes} = found;
		images.push({
			path: `${root}/${treeOf(unpack)}`,
			unpacked: 0,
			files,
			bytes,
			name: unpack.name,
			manifest: unpack.manifest,
		});
	}
	const wanted = installAgent === undefined ? undefined : await wantedAgent(platform, {bundle: agentBundle, signal});
	if (wanted !== undefined && wanted !== settled.agentId) return undefined;
	const neededBytes = distinctBlobs(needs).reduce((sum, {descriptor}) => sum + descriptor.size, 0);
	return {platform, neededBytes, images};
}

/** What a host says without its agent being started. */
interface Settled {
	/** The id of the agent that is installed. */
	readonly agentId: string | undefined;
	/** The content's folder, without symbolic links. */
	readonly root: string;
	readonly platform: string;
	/** What the host says of an image; undefined when it says nothing of just this one. */
	statementOf(of: StatementOf): Statement | undefined;
}

interface SettledOptions extends Abortable {
	/** Where the agent keeps content and is itself; defaults of the agent. */
	readonly root?: string | undefined;
	readonly path?: string | undefined;
}

/**
 * Asks a host whether these images are whole there: a login and one shell script, for a process of Node takes a host longer than all of that.
 * Undefined when it is not so, or cannot be told: then the agent knows.
 * @throws HostError when there is no way to the host
 */
async function askSettled(
	transport: Transport,
	names: readonly string[],
	{root = '/var/lib/sealimage', path = agentPath, signal}: SettledOptions,
): Promise<Settled | undefined> {
	const words = [root, dirname(dirname(path)), ...names.map(recordName)];
	const argv = ['/bin/sh', '-c', script, 'sealimage-settled', ...words];
	try {
		const {stdout, status} = await exec(transport, argv, {signal, timeoutMs, maxOutputBytes});
		return status.code === 0 ? readAnswer(stdout.toString(), names.length) : undefined;
	} catch (error) {
		const codes: readonly string[] = ['ERR_COMMAND_TIMEOUT', 'ERR_COMMAND_OUTPUT', 'ERR_COMMAND_INVALID'];
		if (error instanceof HostError && codes.includes(error.code)) return undefined;
		throw error;
	}
}

/** With the login, which has time-outs of its own. */
const timeoutMs = 120_000;
const maxOutputBytes = 8 * 1024 * 1024;

/**
 * Says `agent ID`, `root PATH`, and `whole LINE` for every image of which the statement holds; ends early with the first that does not.
 * A statement from the future is none: the clock was set back since. /proc/self is of just now.
 */
const script = `
LC_ALL=C
export LC_ALL
root=$1 prefix=$2
shift 2
cd -P "$prefix/current" 2>/dev/null && echo "agent \${PWD##*/}"
cd -P "$root" 2>/dev/null || exit 1
echo "root $PWD"
set -f
for name do
	statement=images/$name.whole
	[ -f "$statement" ] && IFS= read -r line <"$statement" || exit 1
	[ "$statement" -nt /proc/self ] && exit 1
	set -- $line
	[ $# -ge 7 ] || exit 1
	tree=$4 registry=
	case $tree in trees/*) ;; *) exit 1 ;; esac
	[ "$5" = - ] || registry=registry
	shift 7
	for layer do
		[ -f "$layer/index" ] || exit 1
	done
	changed=$(find "$tree" $registry -cnewer "$statement" -print -quit 2>&1) && [ -z "$changed" ] || exit 1
	echo "whole $line"
done
`.trim();

function readAnswer(text: string, count: number): Settled | undefined {
	const lines = text.split('\n');
	const after = (word: string): string[] =>
		lines.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1));
	const statements = after('whole');
	const [root] = after('root');
	const platform = platformIn(statements[0] ?? '');
	if (statements.length !== count || root === undefined || !isPath(root) || platform === undefined) return undefined;
	return {
		agentId: after('agent')[0],
		root,
		platform,
		statementOf(of) {
			const found = statements.map(line => readStatement(line, of)).find(statement => statement !== undefined);
			return found?.platform === platform ? found : undefined;
		},
	};
}

function isPath(text: string): boolean {
	return text.startsWith('/') && text.length < 4096 && !/[\p{Cc}\p{Cs}]/u.test(text);
}
