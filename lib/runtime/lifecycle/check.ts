import type {ErrorCode} from '../../core/codes.js';
import {SealError} from '../../core/errors.js';
import {checkControlPlane} from './check-control-plane.js';
import {checkHosts} from './check-hosts.js';
import {checkNetworks} from './check-networks.js';
import {checkSetting} from './check-setting.js';
import type {Problem} from './problem.js';
import type {PlanRequest} from './request.js';
import {situationOf} from './situation.js';

/** Everything that is wrong with a request, or may hurt later, found at once before anything is touched; errors first. Pure. */
export function checkRequest(request: PlanRequest): readonly Problem[] {
	const situation = situationOf(request);
	// What goes away needs to fit nothing.
	const forSetting = request.verb === 'reset' ? [] : [...checkSetting(situation), ...checkControlPlane(situation)];
	const found = [...forSetting, ...checkHosts(situation), ...checkNetworks(situation)];
	return [...found.filter(isError), ...found.filter(problem => !isError(problem))];
}

/**
 * Throws what stands in the way: the one error as it is, or several as one that lists them.
 * @throws SealError with the code of the problem, or ERR_CLUSTER_REQUEST with all of them in `details.problems`
 */
export function refuseProblems(problems: readonly Problem[]): void {
	const errors = problems.filter(isError);
	const [first, ...more] = errors;
	if (first === undefined) return;
	if (more.length === 0) {
		const details = first.hosts.length === 0 ? {} : {hosts: first.hosts};
		throw new SealError(first.code as ErrorCode, sentence(first), {hint: first.hint, details});
	}
	const list = errors.map(problem => `\n  ${sentence(problem)}\n    ${problem.hint}`).join('');
	throw new SealError('ERR_CLUSTER_REQUEST', `${errors.length} things stand in the way:${list}`, {
		hint: 'Mend all of them, and run the command again.',
		details: {problems: errors},
	});
}

function isError({severity}: Problem): boolean {
	return severity === 'error';
}

/** A thousand hosts may have one problem: a few show whom it is about. */
function sentence({hosts, message}: Problem): string {
	if (hosts.length === 0) return message;
	const more = hosts.length > 5 ? ` and ${hosts.length - 5} more` : '';
	return `${hosts.slice(0, 5).join(', ')}${more}: ${message}`;
}
