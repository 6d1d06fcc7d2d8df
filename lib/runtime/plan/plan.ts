import {createHash} from 'node:crypto';
import {SealError} from '../../core/errors.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import type {PlannedAction} from './action.js';
import {checkGraph} from './graph.js';

/** Everything that will be done, in an order that people can follow, and what it was made from. */
export interface Plan<A extends PlannedAction = PlannedAction> {
	/** Raised when a field changes its meaning. */
	readonly schema: 1;
	/** What was asked for: `run`, `add`, `reset`. */
	readonly verb: string;
	readonly cluster: string;
	/** Of the state of the hosts and the wishes that the plan was made from. Done later, it counts only while they are the same. */
	readonly basis: Digest;
	readonly actions: readonly A[];
	/** Of all the rest, so that an edited plan is not taken for the one that was shown. */
	readonly digest: Digest;
}

/** @throws SealError ERR_PLAN when actions need what is not there, or each other */
export function makePlan<A extends PlannedAction>(parts: Omit<Plan<A>, 'schema' | 'digest'>): Plan<A> {
	const {verb, cluster, basis, actions} = parts;
	checkGraph(actions);
	const plan = {schema: 1, verb, cluster, basis, actions} as const;
	return {...plan, digest: digestOfValue(plan)};
}

/**
 * Reads the JSON that a plan was printed as. What its actions mean is checked by who does them.
 * @throws SealError ERR_PLAN when it is none, was edited, or is of a newer sealimage
 */
export function parsePlan(text: string, shown: string): Plan {
	const value = readJson(text, shown);
	if (value.schema !== 1) {
		throw refuse(shown, `its schema is ${JSON.stringify(value.schema)}, expected 1`, 'Use the sealimage that made it.');
	}
	const {digest, ...rest} = value;
	if (digest !== digestOfValue(rest)) {
		throw refuse(shown, 'it is not as it was printed', 'Make the plan anew instead of editing it.');
	}
	if (!isPlan(value)) throw refuse(shown, 'parts of it are missing', 'Make the plan anew.');
	checkGraph(value.actions);
	return value;
}

/** The digest of a JSON value that does not depend on the order of keys. */
export function digestOfValue(value: unknown): Digest {
	return `sha256:${createHash('sha256')
		.update(sortedJson(value) ?? 'null')
		.digest('hex')}`;
}

/** As JSON.stringify, with the keys of each object in order. Written at once: plans of thousands of hosts are digested, and copies of them would be garbage. */
function sortedJson(value: unknown): string | undefined {
	if (Array.isArray(value)) return `[${value.map(item => sortedJson(item) ?? 'null').join(',')}]`;
	if (typeof value !== 'object' || value === null) return JSON.stringify(value);
	let text = '';
	for (const key of Object.keys(value).sort()) {
		const item = sortedJson((value as Readonly<Record<string, unknown>>)[key]);
		if (item !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${item}`;
	}
	return `{${text}}`;
}

function readJson(text: string, shown: string): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	} catch (cause) {
		throw refuse(shown, 'it is no JSON', 'Name a file that "--output json" printed.', cause);
	}
	throw refuse(shown, 'it is no JSON object', 'Name a file that "--output json" printed.');
}

function isPlan(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & Plan {
	const {verb, cluster, basis, actions} = value;
	return (
		typeof verb === 'string' &&
		typeof cluster === 'string' &&
		typeof basis === 'string' &&
		isDigest(basis) &&
		Array.isArray(actions) &&
		actions.every(isAction)
	);
}

function isAction(value: unknown): value is PlannedAction {
	if (typeof value !== 'object' || value === null) return false;
	const {id, kind, host, phase, title, needs, destroys, bytes, lane, input} = value as Record<string, unknown>;
	const isText = (field: unknown): boolean => typeof field === 'string' && field !== '';
	const isOptionalText = (field: unknown): boolean => field === undefined || isText(field);
	return (
		[id, kind, phase, title].every(isText) &&
		[host, destroys, lane].every(isOptionalText) &&
		(bytes === undefined || (Number.isSafeInteger(bytes) && (bytes as number) >= 0)) &&
		Array.isArray(needs) &&
		needs.every(isText) &&
		input !== undefined
	);
}

function refuse(shown: string, why: string, hint: string, cause?: unknown): SealError {
	return new SealError('ERR_PLAN', `${shown} cannot be used as a plan: ${why}`, {hint, cause});
}
