import {HostError} from '../../host/error.js';
import type {Endpoint} from './failure.js';
import type {LoginPlan, PlannedStep} from './login-plan.js';
import {printable} from './printable.js';
import type {LoginStep} from './ssh2.js';

/** Goes through the ways to log in as the host's answers allow, and remembers what was tried. */
export interface LoginWalk {
	/** As `HandshakeOptions.nextStep`. */
	next(accepted: readonly string[] | undefined): LoginStep | undefined;
	/** True once a login was asked for: what fails from then on is the login. */
	readonly begun: boolean;
	/** Why nothing worked. */
	refusal(to: Endpoint): HostError;
}

export function walkLogin(plan: LoginPlan): LoginWalk {
	const left = [...plan.steps];
	const tried: PlannedStep[] = [];
	let methods: readonly string[] | undefined;
	let begun = false;
	const isOpen = ({step}: PlannedStep): boolean => {
		if (step.method === 'keyboard-interactive' && tried.some(({step: former}) => former.method === 'password'))
			return false;
		// After a key of an agent ssh2 tells the answer of the step before it.
		if (methods === undefined || tried.at(-1)?.step.method === 'agent') return true;
		return methods.includes(step.method === 'agent' ? 'publickey' : step.method);
	};
	return {
		get begun() {
			return begun;
		},
		next(accepted) {
			if (!begun) {
				begun = true;
				// The host's answer tells which methods it accepts.
				return {method: 'none'};
			}
			methods = accepted ?? methods;
			for (;;) {
				const planned = left.shift();
				if (planned === undefined) return undefined;
				if (!isOpen(planned)) continue;
				tried.push(planned);
				return planned.step;
			}
		},
		refusal: to => refusal(to, plan, tried, (methods ?? []).slice(0, 10).map(printable)),
	};
}

function refusal(to: Endpoint, plan: LoginPlan, tried: readonly PlannedStep[], methods: readonly string[]): HostError {
	const details = {user: plan.user, tried: tried.map(({label}) => label), accepted: methods, unusable: plan.unusable};
	const user = JSON.stringify(plan.user);
	if (tried.some(({step}) => step.method === 'password' || step.method === 'keyboard-interactive')) {
		return new HostError(to.host, 'ERR_HOST_PASSWORD', `The host does not let the user ${user} in with the password`, {
			hint: 'Check the password and the user; hosts often do not let root in with a password (PermitRootLogin).',
			details,
		});
	}
	if (plan.locked.length > 0) {
		return new HostError(
			to.host,
			'ERR_IDENTITY_LOCKED',
			`${plan.locked[0]!.replace(/^t/, 'T')} is encrypted, and its passphrase was not given`,
			{hint: 'Give the passphrase with --passphrase-file, or add the key to an SSH agent.', details},
		);
	}
	const offered = tried.length === 0 ? 'nothing could be offered' : `it refused ${listed(tried)}`;
	const accepts = methods.length === 0 ? '' : `; it accepts ${methods.join(', ')}`;
	return new HostError(to.host, 'ERR_HOST_LOGIN', `The host does not let the user ${user} in: ${offered}${accepts}`, {
		hint: 'Check the user, and name a key with --identity or a password with --password-file.',
		details,
	});
}

function listed(tried: readonly PlannedStep[]): string {
	const labels = tried.map(({label}) => label);
	return labels.length > 4 ? `${labels.slice(0, 4).join(', ')} and ${labels.length - 4} more` : labels.join(', ');
}
