import type {Style} from './style.js';
import {padEnd, printable, textWidth} from './text.js';

export interface TreeLine {
	readonly text: string;
	/** Shown in a column of its own. */
	readonly note: string;
	readonly children: readonly TreeLine[];
}

/** A tree with branches drawn in front and notes in one column behind. */
export function renderTree(root: TreeLine, style: Style): string {
	const lines: Array<readonly [branch: string, text: string, note: string]> = [];
	const visit = (node: TreeLine, branch: string, below: string): void => {
		lines.push([branch, printable(node.text), printable(node.note)]);
		for (const [i, child] of node.children.entries()) {
			const last = i === node.children.length - 1;
			visit(child, below + (last ? '└── ' : '├── '), below + (last ? '    ' : '│   '));
		}
	};
	visit(root, '', '');
	// One very long name must not push every note off the screen.
	const column = Math.min(
		70,
		lines.reduce((most, [branch, text]) => Math.max(most, textWidth(branch + text)), 0),
	);
	return lines
		.map(([branch, text, note]) =>
			note === ''
				? style.dim(branch) + text
				: `${style.dim(branch)}${padEnd(text, column - branch.length)}  ${style.dim(note)}`,
		)
		.concat('')
		.join('\n');
}
