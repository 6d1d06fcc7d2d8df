/** Colours and weights, or nothing at all: a text is the same without them. */
export interface Style {
	bold(text: string): string;
	dim(text: string): string;
	red(text: string): string;
	green(text: string): string;
	yellow(text: string): string;
	cyan(text: string): string;
}

const codes = {bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39]} as const;

export const plainStyle: Style = createStyle(false);

export function createStyle(enabled: boolean): Style {
	const paint =
		([on, off]: readonly [number, number]) =>
		(text: string): string =>
			enabled && text !== '' ? `\x1b[${on}m${text}\x1b[${off}m` : text;
	return {
		bold: paint(codes.bold),
		dim: paint(codes.dim),
		red: paint(codes.red),
		green: paint(codes.green),
		yellow: paint(codes.yellow),
		cyan: paint(codes.cyan),
	};
}

/** Whether a stream gets colours. https://no-color.org: any non-empty NO_COLOR turns them off. */
export function wantsColor(
	mode: 'auto' | 'always' | 'never',
	isTerminal: boolean,
	env: Readonly<Record<string, string | undefined>>,
): boolean {
	if (mode !== 'auto') return mode === 'always';
	return isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}
