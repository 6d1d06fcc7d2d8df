import {closest} from '../../core/closest.js';
import {isSealError} from '../../core/errors.js';
import {templateError} from './error.js';
import {parseTemplate} from './parse.js';
import type {Operand, Pipe, Template, TemplateNode} from './syntax.js';
import {isTrue, kindOf, print} from './values.js';

/** What templates may call. A function throws an Error that says what is wrong with its arguments. */
export type TemplateFunctions = Readonly<Record<string, (...values: readonly never[]) => unknown>>;

/**
 * Renders a template of Go's text/template. Where Go writes `<no value>` for what is not there, this is an error: a file
 * with such words in it breaks a host much later.
 * @param name of the file, for errors
 * @throws SealError ERR_TEMPLATE with `details.line`
 */
export function renderTemplate(source: string, data: unknown, functions: TemplateFunctions, name: string): string {
	const template = parseTemplate(source, name);
	const run: Run = {template, functions, name, output: [], chars: 0, steps: 0, depth: 0};
	renderNodes(run, template.body, data, {variables: new Map([['$', {value: data}]]), outer: undefined});
	return run.output.join('');
}

interface Run {
	readonly template: Template;
	readonly functions: TemplateFunctions;
	readonly name: string;
	readonly output: string[];
	chars: number;
	steps: number;
	depth: number;
}

/** Templates come in images: one that never ends, or fills the disk, is stopped. */
const limits = {chars: 16 * 1024 * 1024, steps: 1_000_000, depth: 200} as const;

interface Scope {
	readonly variables: Map<string, {value: unknown}>;
	readonly outer: Scope | undefined;
}

type Jump = 'break' | 'continue' | undefined;

function renderNodes(run: Run, nodes: readonly TemplateNode[], dot: unknown, scope: Scope): Jump {
	for (const node of nodes) {
		const jump = renderNode(run, node, dot, scope);
		if (jump !== undefined) return jump;
	}
	return undefined;
}

function renderNode(run: Run, node: TemplateNode, dot: unknown, scope: Scope): Jump {
	if (node.kind === 'text') {
		write(run, node.text, 0);
		return undefined;
	}
	if (++run.steps > limits.steps) throw templateError(run.name, node.line, 'it does not come to an end');
	switch (node.kind) {
		case 'output': {
			const value = evaluate(run, node.pipe, dot, scope);
			if (node.pipe.variables.length === 0) write(run, printed(run, node.pipe, value), node.line);
			return undefined;
		}
		case 'if':
		case 'with': {
			const inner = innerScope(scope);
			const value = evaluate(run, node.pipe, dot, inner);
			const holds = isTrue(value);
			const newDot = holds && node.kind === 'with' ? value : dot;
			return renderNodes(run, holds ? node.then : node.otherwise, newDot, inner);
		}
		case 'range':
			return renderRange(run, node, dot, scope);
		case 'template':
			callTemplate(run, node, dot, scope);
			return undefined;
		default:
			return node.kind;
	}
}

function renderRange(run: Run, node: TemplateNode & {kind: 'range'}, dot: unknown, scope: Scope): Jump {
	const {pipe, line} = node;
	const value = evaluateCommands(run, pipe, dot, scope);
	const entries = entriesOf(value);
	if (entries === undefined) throw templateError(run.name, line, `range cannot go over ${kindOf(value)}`);
	if (entries.length === 0) return renderNodes(run, node.otherwise, dot, innerScope(scope));
	for (const [key, item] of entries) {
		if (++run.steps > limits.steps) throw templateError(run.name, line, 'it does not come to an end');
		const inner = innerScope(scope);
		const [first, second] = pipe.variables;
		if (second === undefined) declare(run, pipe, inner, first, item);
		else {
			declare(run, pipe, inner, first, key);
			declare(run, pipe, inner, second, item);
		}
		if (renderNodes(run, node.then, item, inner) === 'break') break;
	}
	return undefined;
}

/** Maps in the order of their keys, as Go has it; a number counts from zero. */
function entriesOf(value: unknown): ReadonlyArray<readonly [unknown, unknown]> | undefined {
	if (value === undefined || value === null) return [];
	if (Array.isArray(value)) return value.map((item, index) => [index, item] as const);
	if (typeof value === 'number')
		return Array.from({length: Math.min(Math.max(value, 0), limits.steps)}, (_, i) => [i, i]);
	if (typeof value !== 'object') return undefined;
	return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

function callTemplate(run: Run, node: TemplateNode & {kind: 'template'}, dot: unknown, scope: Scope): void {
	const {name, line, pipe} = node;
	const body = run.template.named.get(name);
	if (body === undefined) {
		const near = closest(name, run.template.named.keys());
		const hint = near === undefined ? `Define it with {{define "${name}"}}.` : `Is "${near}" meant?`;
		throw templateError(run.name, line, `there is no template "${name}"`, hint);
	}
	if (++run.depth > limits.depth)
		throw templateError(run.name, line, `the template "${name}" calls itself without end`);
	const value = pipe === undefined ? undefined : evaluate(run, pipe, dot, scope);
	renderNodes(run, body, value, {variables: new Map([['$', {value}]]), outer: undefined});
	run.depth--;
}

function write(run: Run, text: string, line: number): void {
	run.chars += text.length;
	if (run.chars > limits.chars) throw templateError(run.name, line, 'its result is too long');
	run.output.push(text);
}

function printed(run: Run, {commands, line}: Pipe, value: unknown): string {
	if (value !== undefined && value !== null) return print(value);
	const last = commands.at(-1)?.[0];
	const what = commands.length === 1 && last !== undefined && last.kind !== 'value' ? shownOperand(last) : 'a value';
	throw templateError(run.name, line, `${what} is not set`, 'Set it in env, or write {{ VALUE | default "..." }}.');
}

function shownOperand(operand: Operand): string {
	switch (operand.kind) {
		case 'dot':
			return `.${operand.fields.join('.')}`;
		case 'variable':
			return [operand.name, ...operand.fields].join('.');
		default:
			return 'a value';
	}
}

function innerScope(outer: Scope): Scope {
	return {variables: new Map(), outer};
}

function evaluate(run: Run, pipe: Pipe, dot: unknown, scope: Scope): unknown {
	const value = evaluateCommands(run, pipe, dot, scope);
	for (const name of pipe.variables) declare(run, pipe, scope, name, value);
	return value;
}

function declare(run: Run, {assigns, line}: Pipe, scope: Scope, name: string | undefined, value: unknown): void {
	if (name === undefined) return;
	if (!assigns) scope.variables.set(name, {value});
	else variable(run, scope, name, line).value = value;
}

function variable(run: Run, scope: Scope, name: string, line: number): {value: unknown} {
	for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
		const found = at.variables.get(name);
		if (found !== undefined) return found;
	}
	throw templateError(run.name, line, `there is no variable ${name}`, `Declare it with {{${name} := VALUE}}.`);
}

/** The value of each command is the last argument of the next. */
function evaluateCommands(run: Run, {commands, line}: Pipe, dot: unknown, scope: Scope): unknown {
	let result: unknown;
	for (const [index, command] of commands.entries()) {
		const piped = index === 0 ? [] : [result];
		result = evaluateCommand(run, command, piped, line, dot, scope);
	}
	return result;
}

function evaluateCommand(
	run: Run,
	[first, ...rest]: readonly Operand[],
	piped: readonly unknown[],
	line: number,
	dot: unknown,
	scope: Scope,
): unknown {
	if (first?.kind === 'function') {
		// The arguments of these two are not looked at once the answer is known.
		if (first.name === 'and' || first.name === 'or') {
			const lazy = [
				...rest.map(operand => () => operandValue(run, operand, line, dot, scope)),
				...piped.map(value => () => value),
			];
			let value: unknown;
			for (const next of lazy) {
				value = next();
				if (isTrue(value) === (first.name === 'or')) break;
			}
			return value;
		}
		const values = rest.map(operand => operandValue(run, operand, line, dot, scope));
		return call(run, first.name, [...values, ...piped], line);
	}
	if (rest.length > 0 || piped.length > 0)
		throw templateError(
			run.name,
			line,
			`${first === undefined ? 'nothing' : shownOperand(first)} is no function, and has arguments`,
		);
	return first === undefined ? undefined : operandValue(run, first, line, dot, scope);
}

function call(run: Run, name: string, values: readonly unknown[], line: number): unknown {
	const work = Object.hasOwn(run.functions, name) ? run.functions[name] : undefined;
	if (work === undefined) {
		const near = closest(name, Object.keys(run.functions));
		throw templateError(
			run.name,
			line,
			`there is no function "${name}"`,
			near === undefined ? undefined : `Is "${near}" meant?`,
		);
	}
	try {
		return work(...(values as readonly never[]));
	} catch (error) {
		if (isSealError(error) && error.code === 'ERR_TEMPLATE') throw error;
		throw templateError(run.name, line, `${name}: ${(error as Error).message}`, undefined, error);
	}
}

function operandValue(run: Run, operand: Operand, line: number, dot: unknown, scope: Scope): unknown {
	switch (operand.kind) {
		case 'value':
			return operand.value;
		case 'function':
			return call(run, operand.name, [], line);
		case 'dot':
			return fieldsIn(run, dot, operand.fields, line, '');
		case 'variable':
			return fieldsIn(run, variable(run, scope, operand.name, line).value, operand.fields, line, operand.name);
		case 'pipe':
			return fieldsIn(run, evaluate(run, operand.pipe, dot, scope), operand.fields, line, '(...)');
	}
}

/** A key that a map does not have is nothing, as in Go; a field of nothing, or of a text, is a mistake. */
function fieldsIn(run: Run, value: unknown, fields: readonly string[], line: number, from: string): unknown {
	let found = value;
	for (const [index, field] of fields.entries()) {
		if (typeof found !== 'object' || found === null || Array.isArray(found)) {
			const path =
				`${from}${fields
					.slice(0, index)
					.map(name => `.${name}`)
					.join('')}` || '.';
			throw templateError(run.name, line, `${path} is ${kindOf(found)}, which has no field ${field}`);
		}
		found = Object.hasOwn(found, field) ? (found as Record<string, unknown>)[field] : undefined;
	}
	return found;
}
