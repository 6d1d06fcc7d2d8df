import type {OperationOptions} from '../../core/events.js';
import {rememberWorkloads, waitForBrought} from '../application/brought.js';
import {createApplicationPerformer} from '../application/perform.js';
import {liveMaster} from '../control/api-server.js';
import {askedAt} from '../control/describe.js';
import {type Kubectl, kubectlOn} from '../control/kubectl.js';
import {controlPerformers} from '../control/performers.js';
import {hook} from '../rootfs/performers/hook.js';
import {prepare} from '../rootfs/performers/prepare.js';
import {reset} from '../rootfs/performers/reset.js';
import {restore} from '../rootfs/performers/restore.js';
import {stage} from '../rootfs/performers/stage.js';
import type {OpenedRun} from '../state/run.js';
import type {Performer, Performers} from './run.js';

export interface PerformerOptions {
	/** The end is when what applications brought is ready, too. */
	readonly isWaiting: boolean;
}

/** All workloads of a cluster as JSON: some kilobytes each. */
const maxOutputBytes = 64 * 1024 * 1024;

/** Who does which kind of action of one run. */
export function clusterPerformers(
	run: OpenedRun,
	content: Performer<'content'>,
	{isWaiting}: PerformerOptions,
): Performers {
	const ask =
		(options: OperationOptions): Kubectl =>
		async (words, {signal = options.signal, ...more} = {}) => {
			const kubectl = kubectlOn(askedAt(run.setting, await liveMaster(run, options)));
			return await kubectl(words, {maxOutputBytes, ...more, signal});
		};
	const application = createApplicationPerformer({
		note: (_run, host, entries) => run.note(host, entries),
		async onMaster(given, _master, options) {
			if (isWaiting) await rememberWorkloads(given, ask(options), options.isResumed, options);
		},
	});
	return {
		...controlPerformers,
		content,
		stage,
		hook,
		prepare,
		state: async (_run, _action, options) => run.writeState(options),
		application,
		async ready(given, action, options) {
			await controlPerformers.ready(given, action, options);
			if (isWaiting) await waitForBrought(given, ask(options), {...options, id: action.id});
		},
		reset,
		restore,
	};
}
