import {evaluate, type TemplateData, type TemplateScope, unresolved} from './template-expression.js';

/** Stands where an action could not be resolved. A private-use character, which no image reference can contain. */
export const unresolvedMark = '\uE000';

const action = /\{\{-?\s*([\s\S]*?)\s*-?\}\}/g;
const control = /^(?:if|else|end|range|with|define|block|template|break|continue)\b|^\/\*/;

/**
 * Makes the text of a Go template readable as YAML without running it: actions that are plain look-ups in `data` become
 * their value, other values become `unresolvedMark`, and lines that hold actions only become empty, so that both branches of
 * a condition are seen. Lines keep their numbers.
 */
export function flattenTemplate(text: string, data: TemplateData): string {
	const scope: TemplateScope = {root: data, dots: [data], variables: new Map()};
	const blocks: Array<'with' | 'range' | 'other'> = [];
	const replaced = text.replace(action, (whole: string, body: string) => {
		const newlines = '\n'.repeat(whole.split('\n').length - 1);
		if (control.test(body)) {
			enterOrLeave(body, scope, blocks);
			return `${actionOnly}${newlines}`;
		}
		const assignment = /^(\$\w+)\s*:?=\s*([\s\S]+)$/.exec(body);
		if (assignment !== null) {
			scope.variables.set(assignment[1] as string, evaluate(assignment[2] as string, scope));
			return `${actionOnly}${newlines}`;
		}
		const value = evaluate(body, scope);
		return `${actionOnly}${printed(value)}${newlines}`;
	});
	return replaced
		.split('\n')
		.map(line => (onlyActions(line) ? '' : line.replaceAll(actionOnly, '')))
		.join('\n');
}

/** The value of a text with actions in it, or undefined when one cannot be resolved. */
export function resolveTemplate(text: string, data: TemplateData): string | undefined {
	const scope: TemplateScope = {root: data, dots: [data], variables: new Map()};
	const result = text.replace(action, (_whole, body: string) =>
		control.test(body) ? unresolvedMark : printed(evaluate(body, scope)),
	);
	return result.includes(unresolvedMark) || result.includes('{{') ? undefined : result;
}

/** Marks where an action stood, so that lines of nothing but actions are known. */
const actionOnly = '\uE001';

function onlyActions(line: string): boolean {
	return line.includes(actionOnly) && /^[\s\uE000\uE001]*$/.test(line);
}

function printed(value: unknown): string {
	if (typeof value === 'string') return value.replaceAll('\n', ' ');
	if (typeof value === 'number' || typeof value === 'boolean') return String(value);
	return unresolvedMark;
}

function enterOrLeave(body: string, scope: TemplateScope, blocks: Array<'with' | 'range' | 'other'>): void {
	const [, word, rest = ''] = /^(\w+)\s*([\s\S]*)$/.exec(body) ?? [];
	if (word === 'with') {
		scope.dots.push(evaluate(rest.replace(/^\$\w+\s*:?=\s*/, ''), scope));
		blocks.push('with');
	} else if (word === 'range') {
		// The dot is an item of the list, another one each time round.
		scope.dots.push(unresolved);
		blocks.push('range');
	} else if (word === 'define' || word === 'block') {
		scope.dots.push(unresolved);
		blocks.push('range');
	} else if (word === 'if') blocks.push('other');
	else if (word === 'end' && blocks.pop() !== 'other' && scope.dots.length > 1) scope.dots.pop();
}
