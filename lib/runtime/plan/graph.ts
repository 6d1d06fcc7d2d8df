import {SealError} from '../../core/errors.js';

interface Node {
	readonly id: string;
	readonly needs: readonly string[];
}

/** @throws SealError ERR_PLAN when two nodes have one name, one needs what is not there, or some need each other in a circle */
export function checkGraph(nodes: readonly Node[]): void {
	const known = new Map(nodes.map(node => [node.id, node]));
	if (known.size < nodes.length) {
		const seen = new Set<string>();
		const twice = nodes.find(({id}) => seen.size === seen.add(id).size);
		throw broken(`"${twice?.id ?? ''}" is there twice`);
	}
	for (const {id, needs} of nodes) {
		const missing = needs.find(need => !known.has(need));
		if (missing !== undefined) throw broken(`"${id}" needs "${missing}", which is not part of it`);
	}
	const left = circleIn(nodes);
	if (left !== undefined) throw broken(`"${left}" needs itself, by way of others`);
}

/** Whose needs are how many, and who waits for whom. */
export interface Dependents {
	/** How many nodes each still waits for. */
	readonly waitsFor: Map<string, number>;
	readonly dependents: ReadonlyMap<string, readonly string[]>;
}

/** A need that is named twice is one. */
export function dependentsOf(nodes: readonly Node[]): Dependents {
	const waitsFor = new Map<string, number>();
	const dependents = new Map<string, string[]>(nodes.map(({id}) => [id, []]));
	for (const {id, needs} of nodes) {
		const own = new Set(needs);
		waitsFor.set(id, own.size);
		for (const need of own) dependents.get(need)?.push(id);
	}
	return {waitsFor, dependents};
}

/** Takes away what waits for nothing until nothing is left (Kahn); a node that stays is in a circle, or behind one. */
function circleIn(nodes: readonly Node[]): string | undefined {
	const {waitsFor, dependents} = dependentsOf(nodes);
	const ready = nodes.filter(({id}) => waitsFor.get(id) === 0).map(({id}) => id);
	for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
		waitsFor.delete(id);
		for (const dependent of dependents.get(id) ?? []) {
			const left = (waitsFor.get(dependent) ?? 0) - 1;
			waitsFor.set(dependent, left);
			if (left === 0) ready.push(dependent);
		}
	}
	return waitsFor.keys().next().value;
}

function broken(why: string): SealError {
	return new SealError('ERR_PLAN', `The plan makes no sense: ${why}`, {hint: 'Make the plan anew.'});
}
