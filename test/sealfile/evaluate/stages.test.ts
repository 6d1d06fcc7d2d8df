// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import test from 'ava';
import {SealfileError} from '../../../lib/sealfile/error.js';
import {openHeader} from '../../../lib/sealfile/evaluate/scope.js';
import {
	type ResolvedStage,
	reachableStages,
	resolveSource,
	resolveStages,
	type StageDependencies,
	stageDependencies,
} from '../../../lib/sealfile/evaluate/stage-graph.js';
import {findStage, groupStages, selectTarget} from '../../../lib/sealfile/evaluate/stages.js';
import {parseSealfile} from '../../../lib/sealfile/parse/parse.js';
import type {SealfileTree} from '../../../lib/sealfile/syntax.js';

const amd64 = {os: 'linux', architecture: 'amd64'};
const parse = (text: string): SealfileTree => parseSealfile(text, {file: 'Sealfile'});

function resolve(text: string, buildArgs: Record<string, string> = {}): readonly ResolvedStage[] {
	const tree = parse(text);
	const {globalArgs, stages} = groupStages(tree);
	const build = {
		buildArgs: new Map(Object.entries(buildArgs)),
		buildPlatform: amd64,
		targetPlatform: {...amd64, architecture: 'arm64'},
	};
	return resolveStages(stages, openHeader(globalArgs, build, tree), tree);
}

const dependencies = (text: string): readonly StageDependencies[] => stageDependencies(resolve(text), parse(text));

function messagesOf(work: () => unknown): string[] {
	try {
		work();
	} catch (error) {
		if (error instanceof SealfileError) {
			return error.diagnostics.filter(({severity}) => severity === 'error').map(({message}) => message);
		}
		throw error;
	}
	return [];
}

test('instructions are grouped behind their FROM, ARGs before the first stay global', t => {
	const {globalArgs, stages, diagnostics} = groupStages(parse('ARG A=1\nFROM a AS One\nRUN x\nFROM b\nARG C\nRUN y'));
	t.deepEqual(
		globalArgs.map(({args}) => args),
		[[{name: 'A', value: '1'}]],
	);
	t.like(stages, [
		{index: 0, name: 'one', from: {image: 'a'}, instructions: {length: 1}},
		{index: 1, name: undefined, from: {image: 'b'}, instructions: {length: 2}},
	]);
	t.deepEqual(diagnostics, []);
});

for (const [text, message] of [
	['', 'File with no instructions'],
	['# only a comment', 'File with no instructions'],
	['RUN a', 'No build stage in current context'],
	['ARG a', 'No build stage in current context'],
	['ENV a=b\nFROM x', 'No build stage in current context'],
] as const) {
	test(`${JSON.stringify(text)} says "${message}"`, t => {
		t.like(groupStages(parse(text)).diagnostics, [{severity: 'error', message}]);
	});
}

test('a file whose only line is wrong is not also called empty', t => {
	t.deepEqual(groupStages(parse('COPPY a b')).diagnostics, []);
});

test('a repeated stage name is a warning that shows the first', t => {
	t.like(groupStages(parse('FROM a AS x\nFROM b AS X')).diagnostics, [
		{severity: 'warning', code: 'DuplicateStageName', range: {startLine: 2}, notes: [{range: {startLine: 1}}]},
	]);
});

for (const name of ['scratch', 'context']) {
	test(`${name} as a stage name is a warning`, t => {
		t.like(groupStages(parse(`FROM a AS ${name}`)).diagnostics, [{severity: 'warning', code: 'ReservedStageName'}]);
	});
}

test('a stage is found by name in any case, the later one where names repeat, then by number', t => {
	const {stages} = groupStages(parse('FROM a AS x\nFROM b AS y\nFROM c AS x'));
	t.is(findStage(stages, 'X')?.index, 2);
	t.is(findStage(stages, 'x', 2)?.index, 0);
	t.is(findStage(stages, '1')?.index, 1);
	t.is(findStage(stages, '9'), undefined);
	t.is(findStage(stages, 'z'), undefined);
});

test('the target is a name, a number, or the last stage; a mistype gets a suggestion', t => {
	const tree = parse('FROM a AS build\nFROM b AS release');
	const {stages} = groupStages(tree);
	t.is(selectTarget(stages, undefined, tree).index, 1);
	t.is(selectTarget(stages, 'BUILD', tree).index, 0);
	t.is(selectTarget(stages, '1', tree).index, 1);
	const error = t.throws(() => selectTarget(stages, 'relase', tree), {instanceOf: SealfileError, code: 'ERR_SEALFILE'});
	t.is(error?.message, 'Sealfile:2:1: Target stage "relase" could not be found');
	t.is(error?.hint, 'Did you mean release?');
});

test('FROM names an earlier stage, scratch or an image, and sees global ARGs only', t => {
	const stages = resolve(
		'ARG V=1\nARG N\nFROM alpine:$V AS Base\nFROM base\nFROM scratch\nFROM later AS x\nFROM ${N:-d}:$TARGETARCH AS later',
		{V: '2'},
	);
	t.deepEqual(
		stages.map(({base}) => base),
		[
			{kind: 'image', reference: 'alpine:2'},
			{kind: 'stage', index: 0},
			{kind: 'scratch'},
			{kind: 'image', reference: 'later'},
			{kind: 'image', reference: 'd:arm64'},
		],
	);
});

test('FROM --platform expands', t => {
	t.is(resolve('FROM --platform=$BUILDPLATFORM a')[0]?.platform, 'linux/amd64');
	t.is(resolve('FROM --platform=${TARGETPLATFORM} a')[0]?.platform, 'linux/arm64');
});

for (const [text, message] of [
	['FROM $X', 'Base name ($X) should not be blank'],
	['FROM "${X}"', 'Base name ("${X}") should not be blank'],
	['FROM --platform=$X a', 'Empty platform value from expression $X'],
	['FROM --platform=a/b/c/d a', '"a/b/c/d" is not a platform'],
	['FROM ${X', "Syntax error: missing '}'"],
	['FROM ${X:?needed}', 'X: needed'],
] as const) {
	test(`${text} says "${message}"`, t => {
		t.deepEqual(
			messagesOf(() => resolve(text)),
			[message],
		);
	});
}

test('every FROM that cannot be resolved is reported', t => {
	t.deepEqual(
		messagesOf(() => resolve('FROM $X\nFROM $Y')),
		['Base name ($X) should not be blank', 'Base name ($Y) should not be blank'],
	);
});

test('a from-word is a stage by name, then by number, then an image', t => {
	const text = 'FROM a AS one\nFROM b\nFROM c\nCOPY --from=1 x y';
	const tree = parse(text);
	const {stages} = groupStages(tree);
	const at = stages[2]!.instructions[0]!;
	const source = (word: string): unknown => resolveSource(word, stages[2]!, stages, at, tree);
	t.deepEqual(source('ONE'), {kind: 'stage', index: 0});
	t.deepEqual(source('1'), {kind: 'stage', index: 1});
	t.deepEqual(source('alpine:3'), {kind: 'image', reference: 'alpine:3'});
	t.deepEqual(
		messagesOf(() => source('7')),
		['Invalid stage index 7: the file has 3 stages'],
	);
	t.deepEqual(
		messagesOf(() => source('2')),
		['Cannot copy from stage "2", it needs to be defined before current stage "2"'],
	);
});

test('dependencies come from FROM, COPY and mounts, each once', t => {
	t.deepEqual(
		dependencies(
			'FROM a AS x\nFROM b AS y\nFROM x\nCOPY --from=y a b\nCOPY --from=1 a b\nRUN --mount=from=img:1,target=/m z',
		),
		[
			{index: 0, stages: [], images: ['a']},
			{index: 1, stages: [], images: ['b']},
			{index: 2, stages: [0, 1], images: ['img:1']},
		],
	);
});

test('triggers of a parent stage add dependencies to its child, not to a grandchild', t => {
	const found = dependencies('FROM a AS t\nFROM b AS p\nONBUILD COPY --from=t x y\nFROM p AS c\nFROM c');
	t.deepEqual(
		found.map(({stages}) => stages),
		[[], [], [0, 1], [2]],
	);
});

test('unreachable stages are not built', t => {
	const found = dependencies('FROM a AS x\nFROM b AS unused\nFROM x AS y\nFROM c\nCOPY --from=y a b');
	t.deepEqual(reachableStages(found, 3), [0, 2, 3]);
	t.deepEqual(reachableStages(found, 1), [1]);
});

test('a later stage and the stage itself cannot be copied from', t => {
	t.deepEqual(
		messagesOf(() => dependencies('FROM a AS x\nCOPY --from=y a b\nFROM b AS y')),
		['Cannot copy from stage "y", it needs to be defined before current stage "x"'],
	);
	t.deepEqual(
		messagesOf(() => dependencies('FROM a AS x\nCOPY --from=x a b')),
		[
			'Cannot copy from stage "x", it needs to be defined before current stage "x"',
			'Circular dependency detected on stage: x',
		],
	);
});

test('a circle is named', t => {
	t.deepEqual(
		messagesOf(() => dependencies('FROM a AS x\nCOPY --from=y a b\nFROM b AS y\nCOPY --from=x a b')),
		[
			'Cannot copy from stage "y", it needs to be defined before current stage "x"',
			'Circular dependency detected on stage: x',
		],
	);
});

test('a circle through thousands of stages is found without a deep stack', t => {
	const lines = ['FROM a AS s0\nCOPY --from=s4999 a b'];
	for (let i = 1; i < 5000; i++) lines.push(`FROM s${i - 1} AS s${i}`);
	t.is(messagesOf(() => dependencies(lines.join('\n'))).at(-1), 'Circular dependency detected on stage: s0');
});
