import type {SealEvent} from '../../lib/core/events.js';

/** What a balancer tells while it runs; undefined for what is no line of its own. */
export function balancerLine(event: SealEvent): string | undefined {
	if (event.type === 'balancer.member') return `${event.member}: ${event.from ?? 'new'} -> ${event.to}: ${event.why}`;
	if (event.type === 'balancer.failed') return `The kernel's table cannot be kept: ${event.message}`;
	return event.type === 'warning' ? event.message : undefined;
}
