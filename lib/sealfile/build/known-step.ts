import {digestOf, hexOf} from '../../oci/digest.js';
import {historyText} from '../evaluate/history-text.js';
import type {AddInstruction, CopyInstruction} from '../syntax.js';
import {layerSettings} from './layer.js';
import {type ImageState, withLayer} from './state.js';
import {reportWarnings, type StepPlace, type StepResult} from './steps.js';

/**
 * Everything that the outcome of a COPY or ADD depends on but the context: the digest is the name under which it is remembered.
 * Undefined in a dry run, where the tree below may hold what no layer has yet.
 */
export function conditionsOf(place: StepPlace, kind: string, request: object, state: ImageState): string | undefined {
	const {session, compression, dry} = place;
	const {ignore, options} = session;
	if (dry) return undefined;
	const conditions = [
		copyRules,
		kind,
		request,
		state.layers.map(layer => layer.diffID),
		layerSettings(session, compression),
		options.compat,
		options.contextXattrs !== false,
		ignore.patterns,
		// Whether a file can be read is asked for where its mode does not say so.
		[process.geteuid?.(), process.getegid?.(), process.getgroups?.()],
	];
	return hexOf(digestOf(JSON.stringify(conditions)));
}

/** Raised when the same request over the same files makes another layer than before. */
const copyRules = 1;

/** What an earlier build made under these conditions of a context that has not changed since. */
export async function knownStep(
	place: StepPlace,
	instruction: CopyInstruction | AddInstruction,
	conditions: string | undefined,
	state: ImageState,
): Promise<StepResult | undefined> {
	const {session} = place;
	if (conditions === undefined || session.options.cache === false) return undefined;
	const known = await session.known.find(conditions, session.operation);
	const layer = known === undefined ? undefined : await session.cache.layer(known.layerKey);
	if (known === undefined || layer === undefined) return undefined;
	reportWarnings(place, instruction, known.warnings);
	const text = historyText(instruction, state.stage.config) ?? instruction.text;
	return {state: withLayer(session, state, layer, text), layer, outcome: 'cached'};
}

/** A URL or repository, whose content is not the context's. */
export function mayBeRemote(source: string): boolean {
	return /:\/\/|@/u.test(source);
}
