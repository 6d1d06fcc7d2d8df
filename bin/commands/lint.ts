import {join, resolve} from 'node:path';
import {compileExclusions} from '../../lib/sealfile/context/exclusions.js';
import {findIgnoreRules} from '../../lib/sealfile/context/ignore.js';
import {openContext} from '../../lib/sealfile/context/open-context.js';
import {readSealignore} from '../../lib/sealfile/discover/sealignore.js';
import {sourceFiles} from '../../lib/sealfile/discover/source-files.js';
import {baseImageRules, lintBases} from '../../lib/sealfile/lint/base-images.js';
import {clusterRules, lintCluster} from '../../lib/sealfile/lint/cluster.js';
import {lintRules, lintSealfile} from '../../lib/sealfile/lint/lint.js';
import {locateSealfile} from '../../lib/sealfile/parse/locate.js';
import {parseSealfile} from '../../lib/sealfile/parse/parse.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {countDiagnostics, renderDiagnostics} from '../render/diagnostic.js';
import {renderTable} from '../render/table.js';
import {shownPath} from '../shown-path.js';
import {readPlatforms, withStoreIfAny} from '../store.js';

export const command = defineCommand({
	description:
		'Prints what a build would refuse, and what is doubtful. The exit code is 1 when there are errors; warnings are errors with --strict or with "# check=error=true" in the file.',
	operands: [
		{name: 'CONTEXT', help: 'the folder with the Sealfile (default: this one)', optional: true, completes: 'folder'},
	],
	flags: {
		file: {type: 'string', short: 'f', value: 'FILE', help: 'the Sealfile', completes: 'file'},
		platform: {
			type: 'list',
			separator: ',',
			value: 'PLATFORM',
			help: 'the platforms that would be built (default: that of this machine)',
			completes: 'platform',
		},
		strict: {type: 'boolean', help: 'treat warnings as errors'},
		skip: {type: 'list', separator: ',', value: 'RULE', help: 'rules to leave out'},
		experimental: {type: 'list', separator: ',', value: 'RULE', help: 'experimental rules to run, or all'},
		rules: {type: 'boolean', help: 'list the rules instead'},
	},
	examples: [
		{about: 'The Sealfile of this folder', line: 'sealimage lint'},
		{about: 'In a pipeline', line: 'sealimage lint --strict --output json deploy/'},
	],
	async run({operands, flags}, context) {
		const {io, signal, style} = context;
		const allRules = [...lintRules, ...baseImageRules, ...clusterRules];
		if (flags.rules) {
			return {
				json: allRules,
				text: () =>
					renderTable(
						[{title: 'RULE'}, {title: 'WHAT IT FINDS'}],
						allRules.map(({name, description}) => [name, description]),
						style,
					),
			};
		}
		const folder = resolve(io.cwd, operands[0] ?? '.');
		const file = flags.file === undefined ? undefined : resolve(io.cwd, flags.file);
		const located = await locateSealfile(folder, file, {signal});
		const tree = parseSealfile(located.bytes, {file: shownPath(located.file, io.cwd)});
		const ignore = findIgnoreRules(folder, located.file);
		const exclusions = compileExclusions(ignore.patterns);
		const choice = {skip: flags.skip, ...(flags.strict ? {error: true} : {})};
		const content = await lintCluster(tree, sourceFiles(openContext(folder, {ignore})), {
			...choice,
			ignore: await readSealignore(folder),
			shownPath: path => shownPath(join(folder, path), io.cwd),
			signal,
		});
		const platforms = flags.platform.length === 0 ? undefined : readPlatforms(flags.platform);
		const bases = await withStoreIfAny(context, async store =>
			store === undefined ? [] : await lintBases(tree, store, {platforms, signal}),
		);
		const inSealfile = lintSealfile(tree, {
			...choice,
			experimental: flags.experimental,
			isIgnored: path => exclusions.excludesPath(path),
			rules: [...bases, ...content.rules],
		});
		const diagnostics = [...inSealfile, ...content.diagnostics];
		const failed = diagnostics.some(({severity}) => severity === 'error');
		return {
			json: {file: tree.file, diagnostics},
			text: () =>
				diagnostics.length === 0
					? context.quiet
						? ''
						: `${tree.file}: no problems`
					: `${renderDiagnostics(diagnostics, style)}\n${countDiagnostics(diagnostics)}`,
			exitCode: failed ? exitCodes.failure.code : exitCodes.ok.code,
		};
	},
});
