import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import {shortReference} from '../../oci/reference.js';
import type {ClusterAction} from '../lifecycle/actions.js';
import type {ClusterRun, Performer, RunHost} from '../lifecycle/run.js';
import type {ClusterImage} from '../lifecycle/setting.js';
import {kubeconfigPlaces} from '../pki/cluster/places.js';
import {digestOfValue} from '../plan/plan.js';
import {maskSecrets} from '../rootfs/mask.js';
import {applicationPlace, rootfsPlace, stagedFolder} from '../rootfs/places.js';
import {type Environment, isOurs} from './environment.js';
import {expandReferences, perilousReferences} from './expand.js';
import {failedLine, inFront, lostHost, visible} from './line-error.js';
import {lineEnvironment, linesOf} from './lines.js';

import {runLine} from './run-line.js';

export interface ApplicationOptions {
	/** Writes into the journal of a host what was done; on its disk when it resolves. */
	readonly note: (
		run: ClusterRun,
		host: string,
		entries: readonly {readonly id: string; readonly key: Digest}[],
	) => Promise<void>;
	/** A line is stopped after this time; default: none. */
	readonly timeoutMs?: number | undefined;
	/** Milliseconds from any fixed moment. */
	readonly now?: (() => number) | undefined;
	/** Called before the first line, with the master; what it throws ends the action. */
	readonly onMaster?: ((run: ClusterRun, master: RunHost, options: OnMasterOptions) => Promise<void>) | undefined;
}

export interface OnMasterOptions extends OperationOptions {
	/** Some lines were done before: what is in the cluster may be theirs. */
	readonly isResumed: boolean;
}

type ApplicationAction = Parameters<Performer<'application'>>[1];

/**
 * Runs the lines of an application, one after the other, on a live master that has its files. Each line has a shell of its own, and the
 * first that ends otherwise than with 0 ends the action. A line that is done is noted in the journal of the master: the same action begins
 * again with the first that is not, on whatever master.
 * @throws HostError ERR_APPLICATION_LINE, ERR_APPLICATION_HOST when the host was lost or has no files of it, ERR_COMMAND_TIMEOUT;
 * SealError ERR_APPLICATION_HOST when no master answers, ERR_ENVIRONMENT, ERR_PLAN
 */
export function createApplicationPerformer(options: ApplicationOptions): Performer<'application'> {
	return async (run, action, operation) => {
		const image = imageOf(run, action);
		const host = masterFor(run, action);
		const env = lineEnvironment(run.setting, host, image);
		warnOfIgnored(run, host, image, operation);
		const work = createWork(run, action, image, host, env);
		const firstOpen = work.lines.findIndex(line => !work.wasDone(line));
		const [done, open] =
			firstOpen < 0 ? [work.lines, []] : [work.lines.slice(0, firstOpen), work.lines.slice(firstOpen)];
		await options.onMaster?.(run, host, {...operation, isResumed: done.length > 0});
		for (const {id, title} of done) emit(operation, {type: 'step.cached', id, title});
		for (const line of open) {
			await performLine(work, line, options, operation);
			await options.note(run, host.name, [{id: line.id, key: line.key}]);
		}
	};
}

/** The lines of one application on one master. */
interface Work {
	readonly image: string;
	readonly host: RunHost;
	readonly env: Environment;
	readonly folder: string;
	/** In front of PATH. */
	readonly path: readonly string[];
	readonly lines: readonly Line[];
	wasDone(line: Line): boolean;
}

interface Line {
	readonly id: string;
	/** Of the line, and of all that the action follows from. */
	readonly key: Digest;
	/** `redis:v7 on 10.0.0.1, line 1 of 2: kubectl apply -f manifests/`, with no value of a variable in it. */
	readonly title: string;
	/** `line 1 of 2 of redis:v7`. */
	readonly name: string;
	/** As the image has it. */
	readonly text: string;
}

function createWork(
	run: ClusterRun,
	action: ApplicationAction,
	image: ClusterImage,
	host: RunHost,
	env: Environment,
): Work {
	const shown = shortReference(image.name);
	const texts = linesOf(image);
	const folder = stagedFolder(run.root, applicationPlace(image.name));
	const wasDone = wasDoneBefore(run, action);
	return {
		image: shown,
		host,
		env: {...env, KUBECONFIG: kubeconfigPlaces.admin},
		folder,
		path: [folder, stagedFolder(run.root, rootfsPlace)].map(place => join(place, 'bin')),
		lines: texts.map((text, index) => {
			const position = `line ${index + 1} of ${texts.length}`;
			return {
				id: `${action.id}/line-${index + 1}`,
				key: digestOfValue({from: action.input.from, index, text}),
				title: `${shown} on ${host.name}, ${position}: ${visible(text)}`,
				name: `${position} of ${shown}`,
				text,
			};
		}),
		wasDone: ({id, key}) => wasDone(id, key),
	};
}

/**
 * What journals say of lines. Those of an action that came to its end say nothing any more: it was asked for again; nor do those of a
 * cluster that has just begun anew. The journals of all hosts count, since another master goes on where one was lost.
 */
function wasDoneBefore({known, hosts}: ClusterRun, action: ApplicationAction): (id: string, key: Digest) => boolean {
	const records = [known?.done, ...[...hosts.values()].map(({state}) => state?.journal)].filter(
		one => one !== undefined,
	);
	const has = (id: string, key: Digest): boolean =>
		records.some(record => Object.hasOwn(record, id) && record[id] === key);
	const isWhole = has(action.id, digestOfValue({kind: action.kind, input: action.input}));
	const isNewCluster = action.needs.some(id => id.startsWith('init/'));
	return (id, key) => !isWhole && !isNewCluster && has(id, key);
}

function imageOf({setting}: ClusterRun, {id, input}: ClusterAction<'application'>): ClusterImage {
	const image = setting.images.find(({name}) => name === input.image);
	if (image !== undefined) return image;
	throw new SealError('ERR_PLAN', `The action ${id} is for the image ${input.image}, which the cluster does not have`, {
		hint: 'Make the plan anew.',
	});
}

/** One that this plan, or one before it, brought the files to. */
function masterFor(run: ClusterRun, action: ApplicationAction): RunHost {
	const live = run.liveMasters();
	const {image} = action.input;
	const staged = ({name}: RunHost): string => `stage/${name}/${applicationPlace(image)}`;
	const isNow = (master: RunHost): boolean => action.needs.includes(staged(master));
	const wasBefore = (master: RunHost): boolean => Object.hasOwn(master.state?.journal ?? {}, staged(master));
	const found = live.find(isNow) ?? live.find(wasBefore) ?? live[0];
	if (found !== undefined) return found;
	throw new SealError(
		'ERR_APPLICATION_HOST',
		`No master answers on which the lines of ${shortReference(image)} could run`,
		{
			hint: 'See what is wrong with the API servers, then run the same command again.',
		},
	);
}

async function performLine(
	work: Work,
	line: Line,
	{timeoutMs, now = () => performance.now()}: ApplicationOptions,
	operation: OperationOptions,
): Promise<void> {
	const {host, env} = work;
	const {id, title, name, text} = line;
	for (const variable of perilousReferences(text, env)) {
		emit(operation, {
			type: 'warning',
			code: 'ShellReference',
			message: `${inFront(name)} puts the value of ${variable} into a line of shell, which acts on characters in it`,
			hint: `Write "$${variable}" in place of $(${variable}) in the image: then the value stays as it is.`,
		});
	}
	const shown = {host: host.name, image: work.image, name, text};
	const startedMs = now();
	emit(operation, {type: 'step.started', id, title});
	const request = {line: expandReferences(text, env), cwd: work.folder, path: work.path, env, timeoutMs};
	const outcome = await runLine(host.transport, request, {
		signal: operation.signal,
		onOutput: (stream, output) => emit(operation, {type: 'command.output', id, stream, text: maskSecrets(output, env)}),
	}).catch((error: unknown) => {
		operation.signal?.throwIfAborted();
		throw lostHost(error, shown);
	});
	if (outcome.status.code !== 0) throw failedLine(shown, {...outcome, tail: maskSecrets(outcome.tail, env)});
	emit(operation, {type: 'step.finished', id, title, elapsedMs: Math.round(now() - startedMs)});
}

function warnOfIgnored({setting}: ClusterRun, host: RunHost, image: ClusterImage, operation: OperationOptions): void {
	const said = [setting.env, host.env, image.given ?? {}];
	const ignored = [...new Set(said.flatMap(env => Object.keys(env)))].filter(isOurs);
	if (ignored.length === 0) return;
	emit(operation, {
		type: 'warning',
		code: 'VariableIgnored',
		message: `${ignored.join(', ')} cannot be set: sealimage says ${ignored.length === 1 ? 'it' : 'them'} itself`,
		hint: 'Take it out of env, or give the variable another name.',
	});
}
