import {resolve} from 'node:path';
import {groupStages} from '../../lib/sealfile/evaluate/stages.js';
import {locateSealfile} from '../../lib/sealfile/parse/locate.js';
import {parseSealfile} from '../../lib/sealfile/parse/parse.js';
import type {Instruction, SealfileTree} from '../../lib/sealfile/syntax.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {renderDiagnostics} from '../render/diagnostic.js';
import {renderTree, type TreeLine} from '../render/tree.js';
import {shownPath} from '../shown-path.js';

export const command = defineCommand({
	description:
		'The tree is what was written, before variables have values. Errors go to stderr; what could be read is printed all the same.',
	operands: [
		{name: 'CONTEXT', help: 'the folder with the Sealfile (default: this one)', optional: true, completes: 'folder'},
	],
	flags: {file: {type: 'string', short: 'f', value: 'FILE', help: 'the Sealfile', completes: 'file'}},
	examples: [
		{
			about: 'Which base images?',
			line: `sealimage parse --output json | jq -r '.instructions[] | select(.kind == "FROM").image'`,
		},
	],
	async run({operands, flags}, context) {
		const {io, signal, style} = context;
		const located = await locateSealfile(
			resolve(io.cwd, operands[0] ?? '.'),
			flags.file === undefined ? undefined : resolve(io.cwd, flags.file),
			{signal},
		);
		const tree = parseSealfile(located.bytes, {file: shownPath(located.file, io.cwd)});
		if (tree.diagnostics.length > 0) context.note(renderDiagnostics(tree.diagnostics, context.errorStyle));
		const failed = tree.diagnostics.some(({severity}) => severity === 'error');
		return {
			json: tree,
			text: () => renderTree(treeOf(tree), style),
			exitCode: failed ? exitCodes.failure.code : exitCodes.ok.code,
		};
	},
});

function treeOf(tree: SealfileTree): TreeLine {
	const {globalArgs, stages} = groupStages(tree);
	const line = (instruction: Instruction): TreeLine => ({
		text: instruction.text,
		note: `line ${instruction.range.startLine}`,
		children: [],
	});
	return {
		text: tree.file,
		note: '',
		children: [
			...globalArgs.map(line),
			...stages.map(stage => ({...line(stage.from), children: stage.instructions.map(line)})),
		],
	};
}
