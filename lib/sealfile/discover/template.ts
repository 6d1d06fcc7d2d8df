import {evaluate, type TemplateData, type TemplateScope, unresolved} from './template-expression.js';

/** Stands where an action could not be resolved. A private-use character, which no image reference can contain. */
export const unresolvedMark = '\uE000';

const control = /^(?:if|else|end|range|with|define|block|template|break|continue)\b|^\/\*/;

/**
 * Makes the text of a Go template readable as YAML without running it: actions that are plain look-ups in `data` become
 * their value, other values become `unresolvedMark`, and lines that hold actions only become empty, so that both branches of
 * a condition are seen. Lines keep their numbers.
 */
export function flattenTemplate(text: string, data: TemplateData): string {
	const scope: TemplateScope = {root: data, dots: [data], variables: new Map()};
	const blocks: Array<'with' | 'range' | 'other'> = [];
	const replaced = replaceActions(text, (whole, body) => {
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
	const result = replaceActions(text, (_whole, body) =>
		control.test(body) ? unresolvedMark : printed(evaluate(body, scope)),
	);
	return result.includes(unresolvedMark) || result.includes('{{') ? undefined : result;
}

/** Longer actions are programs, not look-ups. */
const maxActionLength = 4096;

/** One pass over the text, however the braces are set. */
function replaceActions(text: string, replace: (whole: string, body: string) => string): string {
	const parts: string[] = [];
	let position = 0;
	for (;;) {
		const start = text.indexOf('{{', position);
		const end = start === -1 ? -1 : text.indexOf('}}', start + 2);
		if (end === -1) return parts.join('') + text.slice(position);
		const inner = text.slice(start + 2, end);
		const body = inner
			.slice(inner.startsWith('-') ? 1 : 0, inner.endsWith('-') && inner.length > 1 ? -1 : undefined)
			.trim();
		const isLong = body.length > maxActionLength;
		parts.push(text.slice(position, start), replace(text.slice(start, end + 2), isLong ? '' : body));
		position = end + 2;
	}
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
