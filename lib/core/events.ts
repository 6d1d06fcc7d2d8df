/**
 * What a running operation tells its caller. Events are frozen, JSON-safe and discriminated by `type`; a library
 * call never prints. Byte counts are totals so far, times are milliseconds.
 */
export type SealEvent =
	| {
			readonly type: 'step.started';
			readonly id: string;
			readonly title: string;
			readonly platform?: string;
			readonly stage?: string;
	  }
	| {
			readonly type: 'step.cached';
			readonly id: string;
			readonly title: string;
			readonly platform?: string;
			readonly stage?: string;
			readonly digest?: string;
	  }
	| {
			readonly type: 'step.finished';
			readonly id: string;
			readonly title: string;
			readonly platform?: string;
			readonly stage?: string;
			readonly digest?: string;
			readonly sizeBytes?: number;
			readonly elapsedMs: number;
	  }
	| {readonly type: 'blob.progress'; readonly id: string; readonly doneBytes: number; readonly totalBytes?: number}
	/** `sentBytes`, when it is not all of it: an earlier attempt had stored a part, or broken connections cost some twice. */
	| {
			readonly type: 'blob.finished';
			readonly id: string;
			readonly digest: string;
			readonly sizeBytes: number;
			readonly sentBytes?: number;
	  }
	| {readonly type: 'blob.skipped'; readonly id: string; readonly digest: string; readonly sizeBytes: number}
	/** The sink had the content in another place (`from`) and needed no bytes. */
	| {
			readonly type: 'blob.mounted';
			readonly id: string;
			readonly digest: string;
			readonly sizeBytes: number;
			readonly from: string;
	  }
	/** What a registry says about how much more it will give (Docker Hub counts pulls). */
	| {
			readonly type: 'registry.limit';
			readonly host: string;
			readonly limit: number;
			readonly remaining: number;
			readonly windowMs?: number;
	  }
	/** A host that nothing was known of showed this key, and was taken at its word; `file` remembers it. */
	| {
			readonly type: 'host.key';
			readonly host: string;
			readonly algorithm: string;
			readonly fingerprint: string;
			readonly file?: string;
	  }
	| {readonly type: 'command.output'; readonly id: string; readonly stream: 'stdout' | 'stderr'; readonly text: string}
	| {readonly type: 'image.found'; readonly reference: string; readonly foundIn: readonly string[]}
	| {
			readonly type: 'image.embedded';
			readonly reference: string;
			readonly digest: string;
			readonly platform: string;
			readonly sizeBytes: number;
	  }
	/** How work on many hosts stands. `slowest`: up to three that are at it, those that began first. The last one has them all done. */
	| {
			readonly type: 'hosts.progress';
			readonly id: string;
			readonly title: string;
			readonly totalHosts: number;
			readonly doneHosts: number;
			readonly failedHosts: number;
			readonly slowest: readonly string[];
	  }
	| {
			readonly type: 'warning';
			readonly code: string;
			readonly message: string;
			readonly hint?: string;
			readonly file?: string;
			readonly line?: number;
	  }
	/** A plan begins: what its phases are, in the order in which they are shown. `bytes`: what goes over the network for it. */
	| {
			readonly type: 'plan.started';
			readonly verb: string;
			readonly cluster: string;
			readonly phases: readonly {
				readonly phase: string;
				readonly actions: number;
				readonly hosts: number;
				readonly bytes: number;
			}[];
	  }
	/** An action of a plan begins. */
	| {
			readonly type: 'action.started';
			readonly id: string;
			readonly phase: string;
			readonly title: string;
			readonly host?: string;
	  }
	| {readonly type: 'action.finished'; readonly id: string; readonly elapsedMs: number}
	| {readonly type: 'action.failed'; readonly id: string; readonly message: string; readonly elapsedMs: number}
	/** It will not begin: `because` is the action, needed by it, that failed or was skipped itself. */
	| {readonly type: 'action.skipped'; readonly id: string; readonly phase: string; readonly because: string}
	/** A host left its cluster and was put back to how it was. `clean`: a second look found nothing that was not there before. */
	| {
			readonly type: 'host.restored';
			readonly host: string;
			readonly clean: boolean;
			readonly leftovers: readonly {readonly what: string; readonly why: string}[];
	  }
	/** How what applications brought stands. `waiting`: up to three that are not ready, with what they wait for. */
	| {
			readonly type: 'workloads.progress';
			readonly id: string;
			readonly total: number;
			readonly ready: number;
			readonly waiting: readonly string[];
	  }
	/** A member of a load balancer came into another phase, or is one no more. */
	| {
			readonly type: 'balancer.member';
			readonly service: string;
			readonly member: string;
			readonly from?: string | undefined;
			readonly to: string;
			readonly why: string;
	  }
	/** The kernel's table was changed; `change` is a sentence. */
	| {readonly type: 'balancer.table'; readonly service: string; readonly change: string}
	/** The kernel's table could not be read or changed; told once, and tried again in every round. */
	| {readonly type: 'balancer.failed'; readonly service: string; readonly message: string}
	| {
			readonly type: 'retry';
			readonly id: string;
			readonly attempt: number;
			readonly reason: string;
			readonly delayMs: number;
	  };

export type EventListener = (event: SealEvent) => void;

/** The option bag that every asynchronous operation accepts. */
export interface Abortable {
	/** Aborts the operation; it rejects with `signal.reason` and leaves nothing half-written. */
	readonly signal?: AbortSignal | undefined;
}

export interface Observable {
	/** Called synchronously with each event. What it throws is ignored: a broken listener must not break a build. */
	readonly onEvent?: EventListener | undefined;
}

export type OperationOptions = Abortable & Observable;

/** Delivers one frozen event. */
export function emit(options: Observable | undefined, event: SealEvent): void {
	if (options?.onEvent === undefined) return;
	try {
		options.onEvent(Object.freeze(event));
	} catch {
		// A listener's failure is its own; see Observable.onEvent.
	}
}

/** A function that emits `blob.progress` for `id` at most ten times a second; the caller sends the last one itself. */
export function progress(
	options: Observable | undefined,
	id: string,
	totalBytes?: number,
): (doneBytes: number) => void {
	let last = 0;
	return doneBytes => {
		if (options?.onEvent === undefined) return;
		const now = performance.now();
		if (now - last < 100) return;
		last = now;
		emit(options, {type: 'blob.progress', id, doneBytes, ...(totalBytes === undefined ? {} : {totalBytes})});
	};
}
