// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import test from 'ava';
import type {Diagnostic} from '../../../lib/sealfile/diagnostic.js';
import {lintRules, lintSealfile} from '../../../lib/sealfile/lint/lint.js';
import type {LintOptions, Rule} from '../../../lib/sealfile/lint/rule.js';
import {parseSealfile} from '../../../lib/sealfile/parse/parse.js';

const lint = (text: string, options: LintOptions = {}, file = 'Dockerfile'): readonly Diagnostic[] =>
	lintSealfile(parseSealfile(text, {file}), options);

const format = ({range, message}: Diagnostic): string =>
	`${range.startLine}:${range.startColumn}-${range.endLine}:${range.endColumn} ${message}`;

const finds = test.macro({
	exec(t, code: string, text: string, expected: readonly string[], options: LintOptions = {}) {
		t.deepEqual(
			lint(text, options)
				.filter(diagnostic => diagnostic.code === code)
				.map(format),
			expected,
		);
	},
	title: (_, code: string, text: string, expected: readonly string[], _options?: LintOptions) =>
		`${code} ${expected.length === 0 ? 'has nothing to say about' : 'finds'} ${JSON.stringify(text)}`,
});

test(finds, 'StageNameCasing', 'FROM a AS BuilD', ["1:11-1:16 Stage name 'BuilD' should be lowercase"]);
test(finds, 'StageNameCasing', 'FROM a AS build', []);
test(finds, 'FromAsCasing', 'FROM a as b', ["1:8-1:10 'as' and 'FROM' keywords' casing do not match"]);
test(finds, 'FromAsCasing', 'from a AS b', ["1:8-1:10 'AS' and 'from' keywords' casing do not match"]);
test(finds, 'FromAsCasing', 'from a as b\nFROM c', []);
test(finds, 'NoEmptyContinuation', 'FROM a\nRUN b \\\n\n c', ['3:1-3:2 Empty continuation line']);
test(finds, 'ConsistentInstructionCasing', 'FROM a\nrun b\nRUN c', [
	"2:1-2:4 Command 'run' should match the case of the command majority (uppercase)",
]);
test(finds, 'ConsistentInstructionCasing', 'from a\nRun b\nrun c', [
	"2:1-2:4 Command 'Run' should match the case of the command majority (lowercase)",
]);
test(finds, 'DuplicateStageName', 'FROM a AS x\nFROM b AS x', [
	"2:1-2:12 Duplicate stage name 'x', stage names should be unique",
]);
test(finds, 'ReservedStageName', 'FROM a AS scratch', [
	"1:1-1:18 Stage name should not use the same name as reserved stage 'scratch'",
]);
test(finds, 'JSONArgsRecommended', 'FROM a\nCMD b\nENTRYPOINT ["c"]', [
	'2:1-2:6 JSON arguments recommended for CMD to prevent unintended behavior related to OS signals',
]);
test(finds, 'JSONArgsRecommended', 'FROM a\nSHELL ["bash", "-c"]\nCMD b', []);
test(finds, 'JSONArgsRecommended', 'FROM scratch\nLABEL sealos.io.type=rootfs\nCMD bash init.sh', []);
test(finds, 'JSONArgsRecommended', 'FROM scratch\nLABEL "sealimage.io/type"="application"\nCMD helm install x', []);
test(finds, 'JSONArgsRecommended', 'FROM a\nCMD b', [], {clusterImage: true});
test(finds, 'MaintainerDeprecated', 'FROM a\nMAINTAINER me', [
	'2:1-2:14 Maintainer instruction is deprecated in favor of using label',
]);
test(finds, 'UndefinedArgInFrom', 'ARG VERSION=1\nFROM a:$VERSON', ["2:8-2:15 FROM argument 'VERSON' is not declared"]);
test(finds, 'UndefinedArgInFrom', 'ARG V\nFROM --platform=$BUILDPLATFORM a:${V}${W:-x}', []);
test(finds, 'UndefinedVar', 'FROM scratch\nENV foo=1\nCOPY $fo /x', ["3:6-3:9 Usage of undefined variable '$fo'"]);
test(finds, 'UndefinedVar', 'FROM scratch\nENV foo=1 \\\n  bar=${baz}', [
	"3:7-3:13 Usage of undefined variable '$baz'",
]);
test(finds, 'UndefinedVar', 'FROM scratch AS a\nARG x\nFROM a\nENV y=$x z=$y', [
	"4:12-4:14 Usage of undefined variable '$y'",
]);
test(finds, 'UndefinedVar', 'FROM scratch\nENV y=${x:-1} z=${x:+2} w="${x:?no}"\nRUN echo $q\nCMD $q', []);
test(finds, 'UndefinedVar', 'FROM scratch\nENV a=$TARGETARCH', ["2:7-2:18 Usage of undefined variable '$TARGETARCH'"]);
test(finds, 'UndefinedVar', 'FROM image\nENV PATH=$PATH:/x', []);
test(finds, 'UndefinedVar', 'ARG V=1\nFROM image:$V\nENV x=$V', ["3:7-3:9 Usage of undefined variable '$V'"]);
test(finds, 'UndefinedVar', 'FROM image\nENV VERSION=1\nENV x=$VERSON', [
	"3:7-3:14 Usage of undefined variable '$VERSON'",
]);
test(finds, 'UndefinedVar', 'FROM image\nENV x=$HOME y=$PATH', ["2:7-2:12 Usage of undefined variable '$HOME'"], {
	baseEnv: () => ['PATH=/bin'],
});
test(finds, 'WorkdirRelativePath', 'FROM a\nWORKDIR x\nWORKDIR y', [
	'2:1-2:10 Relative workdir "x" can have unexpected results if the base image changes',
]);
test(finds, 'WorkdirRelativePath', 'FROM a AS b\nWORKDIR /x\nWORKDIR y\nFROM b\nWORKDIR z', []);
test(finds, 'MultipleInstructionsDisallowed', 'FROM a\nCMD ["b"]\nCMD ["c"]', [
	'2:1-2:10 Multiple CMD instructions should not be used in the same stage because only the last one will be used',
]);
test(finds, 'MultipleInstructionsDisallowed', 'FROM a\nHEALTHCHECK NONE\nFROM b\nHEALTHCHECK NONE', []);
test(finds, 'LegacyKeyValueFormat', 'FROM a\nENV k v\nLABEL k v\nENV a=b', [
	'2:1-2:8 "ENV key=value" should be used instead of legacy "ENV key value" format',
	'3:1-3:10 "LABEL key=value" should be used instead of legacy "LABEL key value" format',
]);
test(finds, 'RedundantTargetPlatform', 'FROM --platform=${TARGETPLATFORM} a', [
	'1:6-1:34 Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior',
]);
test(finds, 'SecretsUsedInArgOrEnv', 'FROM a\nARG x API_KEY\nENV GIT_TOKEN=1 PUBLIC_KEY=2 MONKEY=3', [
	'2:7-2:14 Do not use ARG or ENV instructions for sensitive data (ARG "API_KEY")',
	'3:5-3:16 Do not use ARG or ENV instructions for sensitive data (ENV "GIT_TOKEN")',
]);
test(finds, 'InvalidDefaultArgInFrom', 'ARG TAG\nFROM busybox:$TAG', [
	'2:6-2:18 Default value for ARG busybox:$TAG results in empty or invalid base image name',
]);
test(
	finds,
	'InvalidDefaultArgInFrom',
	'ARG T=1\nARG I\nFROM busybox:$T\nFROM ${I:-b}\nFROM r.io:5000/a/$TARGETARCH',
	[],
);
test(finds, 'FromPlatformFlagConstDisallowed', 'FROM --platform=linux/amd64 a', [
	'1:6-1:28 FROM --platform flag should not use constant value "linux/amd64"',
]);
test(
	finds,
	'FromPlatformFlagConstDisallowed',
	'FROM --platform=linux/arm64 a AS build-arm64\nFROM --platform=$BUILDPLATFORM b',
	[],
);
test(
	finds,
	'CopyIgnoredFile',
	'FROM a\nCOPY ./secret.txt b /x\nADD http://secret.txt /x\nCOPY --from=z secret.txt /x\nADD secret.txt/ /y',
	[
		'2:6-2:18 Attempting to COPY file "./secret.txt" that is excluded by the ignore file',
		'5:5-5:16 Attempting to ADD file "secret.txt/" that is excluded by the ignore file',
	],
	{isIgnored: path => path === 'secret.txt'},
);
test(finds, 'InvalidDefinitionDescription', '# hello there\nARG x\n# base is it\nFROM a AS base', []);
test(
	finds,
	'InvalidDefinitionDescription',
	'# hello there\nARG x\n# base is it\nFROM a AS base\n# no\n\nARG y',
	['2:1-2:6 Comment for build argument should follow the format: `# x <description>`'],
	{experimental: ['InvalidDefinitionDescription']},
);
test(finds, 'InvalidDefinitionDescription', '# escape=\\\nARG x\nFROM a', [], {experimental: ['all']});
test(finds, 'ExposeProtoCasing', 'FROM a\nEXPOSE 80/TCP 81/udp', [
	"2:8-2:14 Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
]);
test(finds, 'ExposeInvalidFormat', 'FROM a\nEXPOSE 127.0.0.1:80:80 5000:5000 9/udp', [
	"2:8-2:23 EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
	"2:24-2:33 EXPOSE instruction should not define an IP address or host-port mapping, found '5000:5000'",
]);
test(finds, 'BadSubstitution', 'FROM a\nENV x=1 y=${x:Y}', ['2:9-2:17 Unsupported modifier (:Y) in substitution']);

test('a suggestion names the variable that was meant', t => {
	t.like(
		lint('FROM scratch\nARG VERSION\nENV x=$VERSON').find(({code}) => code === 'UndefinedVar'),
		{hint: 'Did you mean $VERSION?'},
	);
	t.like(
		lint('ARG VERSION\nFROM a:$VERSON').find(({code}) => code === 'UndefinedArgInFrom'),
		{hint: 'Did you mean VERSION?'},
	);
});

for (const [file, expected] of [
	['Sealfile', 0],
	['/x/Kubefile', 0],
	['Sealfile.arm64', 0],
	['my.sealfile', 0],
	['Dockerfile', 1],
	['Containerfile', 1],
] as const) {
	test(`shell form CMD of a ${file} is ${expected === 0 ? 'normal' : 'worth a word'}`, t => {
		t.is(lint('FROM a\nCMD b', {}, file).length, expected);
	});
}

test('the check directive skips rules, one or all, but never errors', t => {
	const text = 'FROM a as b\nMAINTAINER x\nCOPPY';
	const codes = (check: string): readonly string[] => lint(`# check=${check}\n${text}`).map(({code}) => code);
	t.deepEqual(codes('skip=none'), ['FromAsCasing', 'MaintainerDeprecated', 'UnknownInstruction']);
	t.deepEqual(codes('skip=maintainerdeprecated'), ['FromAsCasing', 'UnknownInstruction']);
	t.deepEqual(codes('skip=MaintainerDeprecated, FromAsCasing'), ['UnknownInstruction']);
	t.deepEqual(codes('skip=all'), ['UnknownInstruction']);
});

test('the check directive makes findings errors, those of the parser too', t => {
	t.deepEqual(
		lint('# check=error=true\nFROM a as b\nRUN c \\\n\n d').map(({severity}) => severity),
		['error', 'error'],
	);
	t.deepEqual(
		lint('# check=skip=FromAsCasing;error=true\nFROM a as b\nMAINTAINER x').map(({severity}) => severity),
		['error'],
	);
});

test('a check directive that means nothing is a warning', t => {
	t.like(lint('# check=skip;error=maybe\nFROM a'), [
		{code: 'InvalidCheckDirective', message: 'Unknown part "skip" in the check directive', range: {startLine: 1}},
		{code: 'InvalidCheckDirective', message: 'Unknown part "error=maybe" in the check directive'},
	]);
});

test('callers add rules of their own, and skip them by name', t => {
	const noRun: Rule = {
		name: 'NoRun',
		description: 'RUN is not for us.',
		*check(file) {
			for (const instruction of file.tree.instructions) {
				if (instruction.kind === 'RUN') yield {message: 'RUN is not for us', range: file.keyword(instruction).range};
			}
		},
	};
	t.like(lint('FROM a\nRUN b', {rules: [noRun]}), [
		{code: 'NoRun', range: {startLine: 2, endColumn: 4}, lineText: 'RUN b'},
	]);
	t.deepEqual(lint('FROM a\nRUN b', {rules: [noRun], skip: ['norun']}), []);
	t.deepEqual(lint('# check=skip=NoRun\nFROM a\nRUN b', {rules: [noRun]}), []);
});

test('columns are right below a backtick escape and inside continued lines', t => {
	t.deepEqual(lint('# escape=`\nFROM scratch\nENV a=1 `\n  b=$zz\n').map(format), [
		"4:5-4:8 Usage of undefined variable '$zz'",
	]);
});

test('findings come in file order and are cut off when one rule repeats itself', t => {
	const found = lint(`FROM scratch\n${'ENV a=$nope\n'.repeat(3000)}MAINTAINER x`);
	t.is(found.filter(({code}) => code === 'UndefinedVar').length, 200);
	t.is(found.at(-1)?.code, 'MaintainerDeprecated');
});

test('every rule is in the list, once, with a sentence', t => {
	t.is(new Set(lintRules.map(({name}) => name)).size, lintRules.length);
	t.true(lintRules.every(({description}) => /^[A-Z].*\.$/.test(description)));
	t.is(lintRules.length, 22);
});
