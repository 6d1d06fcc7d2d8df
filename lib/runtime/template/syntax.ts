/** A parsed template of Go's text/template. Lines count from 1. */
export type TemplateNode =
	| {readonly kind: 'text'; readonly text: string}
	| {readonly kind: 'output'; readonly line: number; readonly pipe: Pipe}
	| {
			readonly kind: 'if' | 'with';
			readonly line: number;
			readonly pipe: Pipe;
			readonly then: readonly TemplateNode[];
			readonly otherwise: readonly TemplateNode[];
	  }
	| {
			readonly kind: 'range';
			readonly line: number;
			readonly pipe: Pipe;
			readonly then: readonly TemplateNode[];
			readonly otherwise: readonly TemplateNode[];
	  }
	| {readonly kind: 'break' | 'continue'; readonly line: number}
	| {readonly kind: 'template'; readonly line: number; readonly name: string; readonly pipe: Pipe | undefined};

/** `$a, $b := command | command`. */
export interface Pipe {
	readonly line: number;
	readonly variables: readonly string[];
	/** `=`: the variable is there already. */
	readonly assigns: boolean;
	readonly commands: ReadonlyArray<readonly Operand[]>;
}

/** What a command is made of; `fields` are looked up in it one after the other. */
export type Operand =
	| {readonly kind: 'value'; readonly value: unknown}
	| {readonly kind: 'dot'; readonly fields: readonly string[]}
	| {readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[]}
	| {readonly kind: 'function'; readonly name: string}
	| {readonly kind: 'pipe'; readonly pipe: Pipe; readonly fields: readonly string[]};

export interface Template {
	readonly body: readonly TemplateNode[];
	/** Of `define` and `block`, by their names. */
	readonly named: ReadonlyMap<string, readonly TemplateNode[]>;
}
