import {SealError} from '../../core/errors.js';

/** One step of a compiled glob. `enter` and `within` together are the optional "any folders, then a slash" of a `**` between other things. */
export type GlobStep =
	| {readonly kind: 'char'; readonly code: number}
	/** `?`, `*`: never a slash. */
	| {readonly kind: 'one'}
	| {readonly kind: 'star'}
	| {readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[]}
	| {readonly kind: 'enter'}
	| {readonly kind: 'within'}
	/** `**` at the end: anything, slashes too. */
	| {readonly kind: 'all'};

/**
 * The steps of a glob: Go's filepath.Match plus `**` as moby's pattern matcher reads it. Unlike Go, a class never
 * matches a slash.
 * @throws SealError ERR_PATTERN
 */
export function parseGlob(text: string): readonly GlobStep[] {
	const steps: GlobStep[] = [];
	let index = 0;
	while (index < text.length) {
		const char = text[index]!;
		if (char === '*' && text[index + 1] === '*') {
			index += text[index + 2] === '/' ? 3 : 2;
			if (index >= text.length) steps.push({kind: 'all'});
			else steps.push({kind: 'enter'}, {kind: 'within'});
		} else if (char === '*') {
			steps.push({kind: 'star'});
			index++;
		} else if (char === '?') {
			steps.push({kind: 'one'});
			index++;
		} else if (char === '[') {
			index = parseClass(text, index, steps);
		} else {
			const [code, next] = readChar(text, index);
			steps.push({kind: 'char', code});
			index = next;
		}
	}
	// `**name`, nothing special after it, is a plain suffix in moby: it matches `xname` too.
	const bareSuffix =
		/^\*\*[^/*]/.test(text) && steps.slice(2).every(step => step.kind === 'char') && !text.includes('\\');
	return bareSuffix ? [{kind: 'all'}, ...steps.slice(2)] : steps;
}

/** Which steps are alive; index `steps.length` is the end. */
type Alive = Uint8Array;

/**
 * Runs a glob over a path by keeping the set of steps that could come next: time grows with path times glob, whatever
 * the glob is.
 */
export function matchGlob(steps: readonly GlobStep[], path: string): boolean {
	return runGlob(steps, path)?.[steps.length] === 1;
}

/** True when some path that starts with `prefix` can match. */
export function globMayContinue(steps: readonly GlobStep[], prefix: string): boolean {
	return runGlob(steps, prefix) !== undefined;
}

function runGlob(steps: readonly GlobStep[], path: string): Alive | undefined {
	let alive: Alive = new Uint8Array(steps.length + 1);
	let next: Alive = new Uint8Array(steps.length + 1);
	wake(steps, alive, 0);
	for (let index = 0; index < path.length; ) {
		const code = path.codePointAt(index)!;
		index += code > 0xffff ? 2 : 1;
		next.fill(0);
		if (!advance(steps, alive, next, code)) return undefined;
		[alive, next] = [next, alive];
	}
	return alive;
}

/** Marks a step and those that it may be skipped for. */
function wake(steps: readonly GlobStep[], alive: Alive, start: number): void {
	for (let at = start; alive[at] === 0; at++) {
		alive[at] = 1;
		const kind = steps[at]?.kind;
		if (kind === 'enter') {
			alive[at + 1] = 1;
			at++;
		} else if (kind !== 'star' && kind !== 'all') {
			return;
		}
	}
}

function advance(steps: readonly GlobStep[], alive: Alive, next: Alive, code: number): boolean {
	let any = false;
	for (let at = 0; at < steps.length; at++) {
		if (alive[at] === 0) continue;
		const step = steps[at]!;
		let taken = true;
		switch (step.kind) {
			case 'char':
				taken = step.code === code;
				if (taken) wake(steps, next, at + 1);
				break;
			case 'one':
				taken = code !== slash;
				if (taken) wake(steps, next, at + 1);
				break;
			case 'class':
				taken = code !== slash && inRanges(step.ranges, code) !== step.negated;
				if (taken) wake(steps, next, at + 1);
				break;
			case 'star':
				taken = code !== slash;
				if (taken) wake(steps, next, at);
				break;
			case 'all':
				wake(steps, next, at);
				break;
			case 'enter':
				taken = false;
				break;
			case 'within':
				next[at] = 1;
				if (code === slash) wake(steps, next, at + 1);
				break;
		}
		any ||= taken;
	}
	return any;
}

const slash = 0x2f;

function inRanges(ranges: readonly (readonly [number, number])[], code: number): boolean {
	for (const [low, high] of ranges) if (code >= low && code <= high) return true;
	return false;
}

/** `[`, `^`?, one or more characters or ranges, `]`; a `]` or `-` that is meant must be escaped, as in Go. */
function parseClass(text: string, start: number, steps: GlobStep[]): number {
	const ranges: [number, number][] = [];
	let index = start + 1;
	const negated = text[index] === '^';
	if (negated) index++;
	while (text[index] !== ']' || ranges.length === 0) {
		if (index >= text.length) throw malformed(text, 'a [ without its ]');
		if (text[index] === ']' || text[index] === '-') throw malformed(text, `a bare ${text[index]} in [ ]`);
		const [low, afterLow] = readChar(text, index);
		index = afterLow;
		let high = low;
		if (text[index] === '-') {
			if (text[index + 1] === ']' || text[index + 1] === '-') throw malformed(text, 'a range without its end');
			[high, index] = readChar(text, index + 1);
		}
		ranges.push([low, high]);
	}
	steps.push({kind: 'class', negated, ranges});
	return index + 1;
}

/** The character at `index`, a backslash taking the one after it as it is. */
function readChar(text: string, index: number): [code: number, next: number] {
	const at = text[index] === '\\' ? index + 1 : index;
	const code = text.codePointAt(at);
	if (code === undefined) throw malformed(text, text[index] === '\\' ? 'a backslash at the end' : 'a [ without its ]');
	return [code, at + (code > 0xffff ? 2 : 1)];
}

function malformed(text: string, reason: string): SealError {
	return new SealError('ERR_PATTERN', `The pattern ${JSON.stringify(text)} is malformed: ${reason}`, {
		hint: 'Put a backslash before a character that is meant as it is.',
		details: {pattern: text},
	});
}
