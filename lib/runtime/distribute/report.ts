import {emit} from '../../core/events.js';
import {maxSlowest} from './progress.js';
import type {Run} from './run.js';

const reportMs = 200;

/** One step for all of it: bytes that hosts lacked, hosts that are done, and those that lack most. */
export function reportProgress(run: Run, startedMs: number): () => void {
	const {options, swarm} = run;
	if (options.onEvent === undefined) return () => undefined;
	const id = 'distribute';
	const title = `Distribute ${options.images.join(', ')}`;
	const totalHosts = options.hosts.length;
	emit(options, {type: 'step.started', id, title});
	const report = (): void => {
		const {doneBytes, totalBytes, slowest} = swarm.progress();
		const others = [...run.open].slice(0, maxSlowest);
		if (totalBytes > 0) emit(options, {type: 'blob.progress', id, doneBytes, totalBytes});
		emit(options, {
			type: 'hosts.progress',
			id,
			title,
			totalHosts,
			doneHosts: totalHosts - run.open.size,
			failedHosts: run.failedHosts,
			slowest: slowest.length > 0 ? slowest.map(({host}) => host) : others,
		});
	};
	const timer = setInterval(report, reportMs);
	timer.unref();
	return () => {
		clearInterval(timer);
		report();
		const sizeBytes = swarm.progress().doneBytes;
		const elapsedMs = Math.round(performance.now() - startedMs);
		emit(options, {type: 'step.finished', id, title, ...(sizeBytes > 0 ? {sizeBytes} : {}), elapsedMs});
	};
}
