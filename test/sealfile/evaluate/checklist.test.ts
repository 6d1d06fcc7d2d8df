// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import test from 'ava';
import type {RunConfig} from '../../../lib/oci/config.js';
import {SealfileError} from '../../../lib/sealfile/error.js';
import {expandInstruction} from '../../../lib/sealfile/evaluate/expand.js';
import {historyText, runHistoryText} from '../../../lib/sealfile/evaluate/history-text.js';
import {
	applyMetadata,
	isMetadata,
	openStage,
	resolveWorkdir,
	type StageState,
} from '../../../lib/sealfile/evaluate/metadata.js';
import {parsePorts} from '../../../lib/sealfile/evaluate/ports.js';
import {runCommand} from '../../../lib/sealfile/evaluate/run-command.js';
import {openHeader, platformArgs, runEnvironment, unusedBuildArgs} from '../../../lib/sealfile/evaluate/scope.js';
import {isSignal} from '../../../lib/sealfile/evaluate/signal.js';
import {groupStages} from '../../../lib/sealfile/evaluate/stages.js';
import {parseSealfile} from '../../../lib/sealfile/parse/parse.js';
import type {Instruction, RunInstruction} from '../../../lib/sealfile/syntax.js';

const amd64 = {os: 'linux', architecture: 'amd64'};

interface Run {
	readonly state: StageState;
	readonly history: readonly string[];
	readonly warnings: readonly string[];
	/** COPY, ADD and RUN after expansion. */
	readonly others: readonly Instruction[];
}

interface Setting {
	readonly buildArgs?: Record<string, string>;
	readonly base?: RunConfig;
	readonly stage?: number;
}

/** Evaluates one stage of a file as the engine does. */
function run(text: string, {buildArgs = {}, base = {}, stage = 0}: Setting = {}): Run {
	const tree = parseSealfile(text, {file: 'Sealfile'});
	const {globalArgs, stages} = groupStages(tree);
	const arm = {os: 'linux', architecture: 'arm', variant: 'v7'};
	const build = {buildArgs: new Map(Object.entries(buildArgs)), buildPlatform: amd64, targetPlatform: arm};
	const header = openHeader(globalArgs, build, tree);
	let state = openStage(header, base);
	const history: string[] = [];
	const warnings: string[] = [];
	const others: Instruction[] = [];
	for (const instruction of stages[stage]!.instructions) {
		const expanded = expandInstruction(instruction, state.scope, tree);
		warnings.push(...expanded.warnings.map(({message}) => message));
		if (!isMetadata(expanded.instruction)) {
			others.push(expanded.instruction);
			continue;
		}
		const result = applyMetadata(state, expanded.instruction);
		if (!result.ok) throw new Error(result.message);
		state = result.state;
		if (result.historyText !== undefined) history.push(result.historyText);
	}
	return {state, history, warnings, others};
}

const config = (lines: string, setting: Setting = {}): RunConfig => run(`FROM scratch\n${lines}`, setting).state.config;
const history = (lines: string, setting: Setting = {}): readonly string[] =>
	run(`FROM scratch\n${lines}`, setting).history;

// ENV, LABEL, ARG

test('every expansion of one instruction sees the values before it', t => {
	t.deepEqual(config('ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc').Env, ['abc=bye', 'def=hello', 'ghi=bye']);
});

test('ENV keeps the order of the base and replaces in place', t => {
	t.deepEqual(config('ENV B=2 C=3', {base: {Env: ['A=1', 'B=1']}}).Env, ['A=1', 'B=2', 'C=3']);
	t.deepEqual(config('ENV A=$A:x', {base: {Env: ['A=1=1']}}).Env, ['A=1=1:x']);
});

test('LABEL expands key and value, and keeps names that mean something to JavaScript', t => {
	const {Labels} = config('ENV n=k\nLABEL "$n"="a b" __proto__=x legacy=$n');
	t.deepEqual(Object.entries(Labels ?? {}), [
		['k', 'a b'],
		['__proto__', 'x'],
		['legacy', 'k'],
	]);
});

test('ENV with a key that expands to nothing is refused', t => {
	t.throws(() => config('ENV $x=1'), {message: 'ENV names can not be blank'});
});

test('ARG is not in the config', t => {
	t.deepEqual(config('ARG a=1'), {});
	t.deepEqual(history('ARG a=1 b\nARG c', {buildArgs: {c: ''}}), ['ARG a=1 b', 'ARG c=']);
});

for (const [what, text, buildArgs, expected] of [
	['a global ARG is not seen in a stage', 'ARG X=g\nFROM a\nENV r=$X', {}, ''],
	['a redeclared ARG inherits the global default', 'ARG X=g\nFROM a\nARG X\nENV r=$X', {}, 'g'],
	['a default of the stage overrides the header', 'ARG X=g\nFROM a\nARG X=s\nENV r=$X', {}, 's'],
	['a build argument overrides both', 'ARG X=g\nFROM a\nARG X=s\nENV r=$X', {X: 'b'}, 'b'],
	['an empty build argument counts as set', 'FROM a\nARG X=s\nENV r=${X-unset}', {X: ''}, ''],
	['an ARG counts from its line on', 'FROM a\nENV r=${X:-early}\nARG X=s', {}, 'early'],
	['ENV wins over a later ARG', 'FROM a\nENV X=e\nARG X=s\nENV r=$X', {X: 'b'}, 'e'],
	['ENV wins over an earlier ARG', 'FROM a\nARG X=s\nENV X=e\nENV r=$X', {}, 'e'],
	['an ARG sees those before it in its line', 'FROM a\nARG a=1 b=$a\nENV r=$b', {}, '1'],
	['a header ARG sees those before it', 'ARG a=1\nARG b=${a}2\nFROM a\nARG b\nENV r=$b', {a: '3'}, '32'],
	['quotes of an ARG go', `FROM a\nARG X='a b'\nENV r="$X"`, {}, 'a b'],
	['platform arguments need a declaration', 'FROM a\nENV r=$TARGETARCH', {}, ''],
	['a declared platform argument is there', 'FROM a\nARG TARGETPLATFORM\nENV r=$TARGETPLATFORM', {}, 'linux/arm/v7'],
	['platform arguments can be overridden', 'FROM a\nARG TARGETARCH\nENV r=$TARGETARCH', {TARGETARCH: 'x'}, 'x'],
] as const) {
	test(what, t => {
		const {Env} = run(text, {buildArgs: {...buildArgs}}).state.config;
		t.is(
			Env?.find(entry => entry.startsWith('r=')),
			`r=${expected}`,
		);
	});
}

test('a default that --build-arg overrides is not read', t => {
	t.notThrows(() => config('ARG X=${Y:?never}', {buildArgs: {X: '1'}}));
});

test('the automatic arguments describe both platforms, with an empty variant where there is none', t => {
	const build = {
		buildArgs: new Map(),
		buildPlatform: {os: 'linux', architecture: 'arm64'},
		targetPlatform: {os: 'linux', architecture: 'arm', variant: 'v7'},
	};
	t.deepEqual(Object.fromEntries(platformArgs(build)), {
		BUILDPLATFORM: 'linux/arm64',
		BUILDOS: 'linux',
		BUILDOSVERSION: '',
		BUILDARCH: 'arm64',
		BUILDVARIANT: '',
		TARGETPLATFORM: 'linux/arm/v7',
		TARGETOS: 'linux',
		TARGETOSVERSION: '',
		TARGETARCH: 'arm',
		TARGETVARIANT: 'v7',
		TARGETSTAGE: 'default',
	});
	t.is(platformArgs({...build, targetStage: 'release'}).get('TARGETSTAGE'), 'release');
});

test('a child stage inherits the ARGs of its parent', t => {
	const parent = run('FROM a\nARG X=1');
	const child = openStage(parent.state.scope.header, {}, parent.state.scope.args);
	t.deepEqual([...child.scope.args], [['X', '1']]);
});

test('the history of RUN lists each declared ARG once, last value, first place', t => {
	const {state} = run('FROM a\nARG A=1 B\nARG C=x y\nARG A=2\nENV C=env', {buildArgs: {HTTP_PROXY: 'p'}});
	t.is(runHistoryText(['/bin/sh', '-c', 'make'], state.scope), 'RUN |4 A=2 B= C=env y= /bin/sh -c make');
	t.is(runHistoryText(['true'], run('FROM a').state.scope), 'RUN true');
});

test('RUN sees ENV before ARG, and the proxy arguments that nobody declared', t => {
	const {state} = run('FROM a\nARG A=1 N\nARG E=arg\nENV E=env', {buildArgs: {https_proxy: 'p', other: 'o'}});
	t.deepEqual(runEnvironment(state.scope), ['https_proxy=p', 'A=1', 'E=env']);
});

test('build arguments that nothing declares are found', t => {
	const {instructions} = parseSealfile('ARG A\nFROM a\nONBUILD ARG B\nARG C=1', {file: 'f'});
	const given = new Map(
		['A', 'B', 'C', 'D', 'HTTP_PROXY', 'no_proxy', 'TARGETARCH', 'SOURCE_DATE_EPOCH'].map(name => [name, '']),
	);
	t.deepEqual(unusedBuildArgs(given, instructions), ['D']);
});

// Expansion

test('an undefined variable is a warning, a failing one an error with its place', t => {
	t.deepEqual(run('FROM a\nENV x=$y$y z=$q').warnings, [
		"Usage of undefined variable '$y'",
		"Usage of undefined variable '$q'",
	]);
	const error = t.throws(() => run('FROM a\nENV x="${y:?set y}"'), {instanceOf: SealfileError});
	t.is(error?.message, 'Sealfile:2:1: y: set y');
	t.is(error?.diagnostics[0]?.lineText, 'ENV x="${y:?set y}"');
});

test('COPY and ADD expand paths, owner, mode and checksum, not their exclusions', t => {
	const {others} = run(
		'FROM a\nARG d=dir o=1 m=0600 s=sha256:x\nCOPY --chown=$o --chmod=$m --exclude=$d $d/a "$d"b /$d/\nADD --checksum=$s $d /x',
	);
	t.like(others, [
		{sources: ['dir/a', 'dirb'], destination: '/dir/', chown: '1', chmod: '0600', exclude: ['$d']},
		{checksum: 'sha256:x', sources: ['dir']},
	]);
});

test('a heredoc expands unless its word was quoted', t => {
	const {others} = run('FROM a\nARG v=1\nCOPY <<A <<\'B\' /x/\n"$v" \\$v \\\nA\n$v\nB\n');
	t.like(others, [{heredocs: [{body: '"1" $v \n'}, {body: '$v\n'}]}]);
});

test('mounts of RUN are expanded, its command is not', t => {
	const {others} = run('FROM a\nARG t=/cache u=7\nRUN --mount=type=cache,target=$t,uid=$u echo $t');
	t.like(others, [{mounts: [{target: '/cache', uid: 7}], command: {text: 'echo $t'}}]);
	t.throws(() => run('FROM a\nRUN --mount=type=cache,target=/x,uid=$u a'), {message: /Invalid value for uid/});
});

test('what an instruction used is told', t => {
	const tree = parseSealfile('FROM a\nCOPY $a ${b:-$c} /x', {file: 'f'});
	const {state} = run('FROM a\nARG a=1');
	t.deepEqual(expandInstruction(tree.instructions[1]!, state.scope, tree).used, ['a', 'c', 'b']);
});

// Commands

test('shell form goes behind SHELL, or behind /bin/sh -c', t => {
	t.deepEqual(config('CMD a b').Cmd, ['/bin/sh', '-c', 'a b']);
	t.deepEqual(config('SHELL ["/bin/bash", "-c"]\nCMD a b').Cmd, ['/bin/bash', '-c', 'a b']);
	t.deepEqual(config('CMD ["a", "b"]').Cmd, ['a', 'b']);
});

test('ENTRYPOINT resets an inherited CMD, unless CMD was set in this stage', t => {
	const base = {Cmd: ['old']};
	t.is(config('ENTRYPOINT ["e"]', {base}).Cmd, undefined);
	t.deepEqual(config('CMD ["new"]\nENTRYPOINT ["e"]', {base}).Cmd, ['new']);
	t.deepEqual(config('ENTRYPOINT ["e"]\nCMD ["new"]', {base}).Cmd, ['new']);
});

test('an empty ENTRYPOINT is none, and the last of each wins', t => {
	t.is(config('ENTRYPOINT []', {base: {Entrypoint: ['e']}}).Entrypoint, undefined);
	t.deepEqual(config('CMD ["a"]\nCMD ["b"]').Cmd, ['b']);
});

test('HEALTHCHECK writes what is given', t => {
	t.deepEqual(config('HEALTHCHECK --interval=30s --retries=2 CMD a').Healthcheck, {
		Test: ['CMD-SHELL', 'a'],
		Interval: 30_000_000_000,
		Retries: 2,
	});
	t.deepEqual(config('HEALTHCHECK CMD a\nHEALTHCHECK NONE').Healthcheck, {Test: ['NONE']});
});

const runOf = (text: string): RunInstruction => parseSealfile(text, {file: 'f'}).instructions[0] as RunInstruction;

test('RUN is its JSON, or SHELL and its text', t => {
	t.deepEqual(runCommand(runOf('RUN ["a", "b"]'), {}), {argv: ['a', 'b']});
	t.deepEqual(runCommand(runOf('RUN a  b'), {Shell: ['sh', '-x']}), {argv: ['sh', '-x', 'a  b']});
});

test('a single heredoc is the script, by SHELL or by its own interpreter', t => {
	t.deepEqual(runCommand(runOf('RUN <<E\na\nb\nE'), {}), {argv: ['/bin/sh', '-c', 'a\nb\n']});
	t.deepEqual(runCommand(runOf('RUN <<-"E"\n\t#!/bin/awk\n\tb\nE'), {}), {
		argv: ['/dev/pipes/E'],
		script: {path: '/dev/pipes/E', body: '#!/bin/awk\nb\n'},
	});
});

test('any other heredoc is given back to the shell', t => {
	t.deepEqual(runCommand(runOf("RUN cat <<A <<'B' > x\na\nA\nb\nB"), {}).argv, [
		'/bin/sh',
		'-c',
		"cat <<A <<'B' > x\na\nA\nb\nB",
	]);
	t.is(runCommand(runOf('RUN <<A cat\na\nA'), {}).argv[2], '<<A cat\na\nA');
});

// EXPOSE, VOLUME, STOPSIGNAL, USER, MAINTAINER, ONBUILD

test('EXPOSE sorts, expands ranges and variables, lowers protocols', t => {
	const lines = 'ENV p="1000-1002 80"\nEXPOSE 2375 1234/UDP 80/tcp $p';
	t.deepEqual(Object.keys(config(lines).ExposedPorts ?? {}), [
		'1000/tcp',
		'1001/tcp',
		'1002/tcp',
		'1234/udp',
		'2375/tcp',
		'80/tcp',
	]);
	t.is(history('EXPOSE 2375 1234/UDP')[0], 'EXPOSE [1234/udp 2375/tcp]');
	t.deepEqual(config('EXPOSE 127.0.0.1:8080:80 [::1]:1:2').ExposedPorts, {'2/tcp': {}, '80/tcp': {}});
});

for (const [port, message] of [
	['80/http', 'Invalid proto: http'],
	['', 'No port specified: '],
	['abc', 'Invalid containerPort: abc'],
	['90-80', 'Invalid containerPort: 90-80'],
	['70000', 'Invalid containerPort: 70000'],
	['x:80', 'Invalid hostPort: x'],
	['host:1:80', 'Invalid IP address: host'],
] as const) {
	test(`EXPOSE ${port} is refused: ${message}`, t => {
		t.like(parsePorts([port]), {ok: false, message});
	});
}

test('VOLUME adds to those of the base; one that expands to nothing is refused', t => {
	t.deepEqual(config('VOLUME ["/b", "/c d"]', {base: {Volumes: {'/a': {}}}}).Volumes, {'/a': {}, '/b': {}, '/c d': {}});
	t.is(history('VOLUME /a /b')[0], 'VOLUME [/a /b]');
	t.throws(() => config('VOLUME $x'), {message: 'VOLUME specified can not be an empty string'});
});

test('STOPSIGNAL is validated', t => {
	for (const signal of ['9', 'SIGTERM', 'term', 'SIGRTMIN+3', 'RTMAX-1', '64']) t.true(isSignal(signal), signal);
	for (const signal of ['0', '65', 'SIGNOPE', '', '-9', 'RTMIN+16']) t.false(isSignal(signal), signal);
	t.is(config('STOPSIGNAL sigquit').StopSignal, 'sigquit');
	t.throws(() => config('STOPSIGNAL NOPE'), {message: 'Invalid signal: NOPE'});
});

test('MAINTAINER is the author', t => {
	t.is(run('FROM a\nMAINTAINER Jo <jo@x>').state.author, 'Jo <jo@x>');
});

test('ONBUILD is stored verbatim and leaves no history', t => {
	const {state, history: texts} = run('FROM a\nONBUILD run echo $x');
	t.deepEqual(state.config.OnBuild, ['run echo $x']);
	t.deepEqual(texts, []);
});

// WORKDIR

for (const [current, path, expected] of [
	[undefined, 'a', '/a'],
	['/a', 'b', '/a/b'],
	['/a', '/b/', '/b'],
	['/a', '../../..', '/'],
	['/a/', 'b//c/./', '/a/b/c'],
	['/a', '', '/a'],
	[undefined, '/', '/'],
	['/', '//x', '/x'],
] as const) {
	test(`WORKDIR ${path} in ${current ?? 'nothing'} is ${expected}`, t => {
		t.is(resolveWorkdir(current, path), expected);
	});
}

// History

for (const [lines, expected] of [
	['ENV a=1 b="c d"', 'ENV a=1 b=c d'],
	['ENV a $x y', 'ENV a= y'],
	['LABEL a=1', 'LABEL a=1'],
	['CMD ["a", "b\\"c"]', 'CMD ["a" "b\\"c"]'],
	['CMD a b', 'CMD ["/bin/sh" "-c" "a b"]'],
	['ENTRYPOINT ["e"]', 'ENTRYPOINT ["e"]'],
	['SHELL ["/bin/bash", "-c"]', 'SHELL [/bin/bash -c]'],
	['USER a:b', 'USER a:b'],
	['WORKDIR /a/../b/', 'WORKDIR /b'],
	['STOPSIGNAL 9', 'STOPSIGNAL 9'],
	['MAINTAINER x', 'MAINTAINER x'],
	['healthcheck --interval=5s CMD x', 'HEALTHCHECK --interval=5s CMD x'],
] as const) {
	test(`the history of ${lines} is ${expected}`, t => {
		t.deepEqual(history(lines), [expected]);
	});
}

for (const [text, expected] of [
	['COPY foo /bar', 'COPY foo /bar'],
	[
		'COPY --link --chown=1:2 --chmod=0644 --parents --from=x a b /c/',
		'COPY --parents --chown=1:2 --chmod=0644 --link a b /c/',
	],
	['ADD --checksum=sha256:x http://y /z', 'ADD --checksum=sha256:x http://y /z'],
	['COPY <<E /z\nE', 'COPY <<E /z'],
] as const) {
	test(`the history of ${JSON.stringify(text)} is ${expected}`, t => {
		t.is(historyText(parseSealfile(text, {file: 'f'}).instructions[0]!, {}), expected);
	});
}
