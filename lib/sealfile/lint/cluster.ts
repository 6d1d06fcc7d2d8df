import {hasCode, type SealError} from '../../core/errors.js';
import type {TreeFiles} from '../../oci/tree/files.js';
import type {Diagnostic} from '../diagnostic.js';
import {type DiscoverOptions, discoverImages} from '../discover/discover.js';
import type {ListProblem} from '../discover/lists.js';
import type {Discovery} from '../discover/types.js';
import type {SealfileTree} from '../syntax.js';
import {parseCheckDirective} from './check-directive.js';
import {
	archiveFindings,
	type ContentFinding,
	findScripts,
	missingFindings,
	problemFindings,
	runBitFindings,
	tagFindings,
} from './cluster-content.js';
import {clusterSealfileRules} from './cluster-sealfile-rules.js';
import type {Rule} from './rule.js';

export interface ClusterLintOptions extends DiscoverOptions {
	/** The files are those of a built image; by default they are a build context. */
	readonly built?: boolean | undefined;
	/** False when the build leaves images out (`--save-image=false`). */
	readonly saveImages?: boolean | undefined;
	/** Names of rules to leave out. */
	readonly skip?: readonly string[] | undefined;
	/** Every finding is an error. */
	readonly error?: boolean | undefined;
	/** The name to show for a file of the image or context; default is its path there. */
	readonly shownPath?: ((path: string) => string) | undefined;
}

/** What there is to say about a cluster image beyond its Sealfile's language. */
export interface ClusterLint {
	/** For `lintSealfile`: checks of the Sealfile that need the files. */
	readonly rules: readonly Rule[];
	/** Findings in the files themselves, sorted. */
	readonly diagnostics: readonly Diagnostic[];
}

/** The checks of cluster images, for a list of rules. */
export const clusterRules: readonly {readonly name: string; readonly description: string}[] = [
	...clusterSealfileRules({files: [], built: false}).map(({name, description}) => ({name, description})),
	{name: 'EmbeddedTagMissing', description: 'An image to embed should have a tag or digest.'},
	{name: 'EmbeddedLatest', description: 'An image to embed should not be latest, which moves.'},
	{name: 'ImageNotEmbedded', description: 'An image that a manifest names should be embedded.'},
	{name: 'ImageListInvalid', description: 'Lines of images/shim and images/skopeo/tar.txt must be references.'},
	{name: 'ArchiveCarriedTwice', description: 'An archive whose image is embedded need not be in the image itself.'},
	{name: 'RunBitMissing', description: 'Programs and scripts should be executable.'},
];

/**
 * Looks at the files of a cluster image, in a build context before anything is built or in the tree of a built image.
 * The Sealfile's `check` directive counts for these findings too.
 */
export async function lintCluster(
	tree: SealfileTree | undefined,
	files: TreeFiles,
	options: ClusterLintOptions = {},
): Promise<ClusterLint> {
	const built = options.built === true;
	const listing = await files.list('', options);
	const {discovery, problems} = await discover(files, options);
	const scripts = await findScripts(listing, files, options);
	const findings: ContentFinding[] = [...problemFindings(problems), ...discovery.warnings.map(asFinding)];
	if (options.saveImages === false)
		findings.push(...missingFindings(discovery.images, 'images are left out of this build'));
	else findings.push(...tagFindings(discovery), ...archiveFindings(discovery));
	findings.push(...missingFindings(discovery.excluded, '.sealignore excludes it'));
	if (built || !setsModes(tree)) findings.push(...runBitFindings(listing, scripts));
	return {
		rules: clusterSealfileRules({files: listing, built}),
		diagnostics: await toDiagnostics(chosen(findings, tree, options), files, options),
	};
}

async function discover(
	files: TreeFiles,
	options: DiscoverOptions,
): Promise<{readonly discovery: Discovery; readonly problems: readonly ListProblem[]}> {
	try {
		return {discovery: await discoverImages(files, options), problems: []};
	} catch (error) {
		if (!hasCode(error, 'ERR_IMAGE_LIST')) throw error;
		const problems = (error as SealError).details.problems as readonly ListProblem[];
		// The rest can be judged without the lists.
		const rest: TreeFiles = {
			...files,
			list: async (folder, listOptions) =>
				(await files.list(folder, listOptions)).filter(({path}) => !/^images\/(?:shim|skopeo)\//.test(path)),
			read: (paths, readOptions) =>
				files.read(
					[...paths].filter(path => !/^images\/(?:shim|skopeo)\//.test(path)),
					readOptions,
				),
		};
		return {discovery: await discoverImages(rest, options), problems};
	}
}

function asFinding(warning: Discovery['warnings'][number]): ContentFinding {
	return {severity: 'warning', ...warning};
}

/** COPY can set the run bit, so that the context says nothing about it. */
function setsModes(tree: SealfileTree | undefined): boolean {
	return (
		tree?.instructions.some(
			({kind, ...rest}) => (kind === 'COPY' || kind === 'ADD') && 'chmod' in rest && rest.chmod !== undefined,
		) === true
	);
}

function chosen(
	findings: readonly ContentFinding[],
	tree: SealfileTree | undefined,
	options: ClusterLintOptions,
): readonly ContentFinding[] {
	const directive = parseCheckDirective(tree?.directives.check);
	const skip = new Set([...directive.skip, ...(options.skip ?? [])].map(name => name.toLowerCase()));
	const allErrors = directive.error || options.error === true;
	return findings
		.filter(({code, severity}) => severity === 'error' || !(skip.has('all') || skip.has(code.toLowerCase())))
		.map(finding => (allErrors ? {...finding, severity: 'error' as const} : finding))
		.sort((a, b) => (a.file !== b.file ? (a.file < b.file ? -1 : 1) : (a.line ?? 0) - (b.line ?? 0)));
}

async function toDiagnostics(
	findings: readonly ContentFinding[],
	files: TreeFiles,
	options: ClusterLintOptions,
): Promise<readonly Diagnostic[]> {
	const wanted = new Set(findings.filter(({line}) => line !== undefined).map(({file}) => file));
	const lines = new Map<string, readonly string[]>();
	for await (const {path, bytes} of files.read(wanted, options))
		lines.set(path, new TextDecoder().decode(bytes).split(/\r?\n/));
	const shown = options.shownPath ?? (path => path);
	return findings.map(({severity, code, message, hint, file, line}) => {
		const text = line === undefined ? '' : (lines.get(file)?.[line - 1] ?? '').slice(0, 65_536);
		const startColumn = text.length - text.trimStart().length + 1;
		const range = {
			startLine: line ?? 1,
			startColumn,
			endLine: line ?? 1,
			endColumn: Math.max(startColumn, text.trimEnd().length + 1),
		};
		return {severity, code, message, ...(hint === undefined ? {} : {hint}), file: shown(file), range, lineText: text};
	});
}
