// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import test from 'ava';
import {detectSyntax} from '../../../lib/sealfile/parse/directives.js';
import {parseSealfile, parseTrigger} from '../../../lib/sealfile/parse/parse.js';
import type {Instruction, SealfileTree} from '../../../lib/sealfile/syntax.js';

const parse = (text: string | Uint8Array): SealfileTree => parseSealfile(text, {file: 'Sealfile'});

/** Parses one instruction that must be right. */
function one<K extends Instruction['kind']>(kind: K, text: string): Extract<Instruction, {kind: K}> {
	const tree = parse(text);
	const [found] = tree.instructions;
	if (found?.kind !== kind || tree.diagnostics.length > 0) {
		throw new Error(`no ${kind}: ${JSON.stringify(tree.diagnostics.map(({message}) => message))}`);
	}
	return found as Extract<Instruction, {kind: K}>;
}

const says = test.macro({
	exec(t, text: string, expected: {code: string; message: string; at?: string; hint?: string}) {
		const {diagnostics} = parse(text);
		const [first] = diagnostics.filter(({severity}) => severity === 'error');
		t.like(first, {code: expected.code, message: expected.message});
		if (expected.hint !== undefined) t.is(first?.hint, expected.hint);
		if (expected.at !== undefined) t.is(`${first?.range.startLine}:${first?.range.startColumn}`, expected.at);
	},
	title: (_, text: string, {message}: {message: string}) => `${JSON.stringify(text.slice(0, 60))} says "${message}"`,
});

// Lines, directives, comments

test('a byte order mark is dropped, LF and CRLF both end lines', t => {
	const tree = parse(Buffer.from('\uFEFF# escape=`\r\nFROM scratch\r\nRUN a `\r\n  b\r\n'));
	t.is(tree.directives.escape, '`');
	t.deepEqual(
		tree.instructions.map(({text}) => text),
		['FROM scratch', 'RUN a   b'],
	);
	t.deepEqual(tree.diagnostics, []);
});

test('directives are read in the leading run only, whatever their case and blanks', t => {
	t.deepEqual(parse('#Syntax = docker/dockerfile:1\n# ESCAPE=`\n#check=skip=all\nFROM a').directives, {
		syntax: 'docker/dockerfile:1',
		escape: '`',
		check: 'skip=all',
	});
});

for (const [what, text] of [
	['an empty line', '\n# escape=`\nFROM a'],
	['an unknown key', '# foo=bar\n# escape=`\nFROM a'],
	['a comment', '# hello\n# escape=`\nFROM a'],
	['an instruction', 'FROM a\n# escape=`'],
] as const) {
	test(`${what} ends the directives`, t => {
		t.is(parse(text).directives.escape, '\\');
	});
}

test('a continuation means nothing in a directive', t => {
	const tree = parse('# escape=`\n# syntax=a `\nFROM a');
	t.is(tree.directives.syntax, 'a `');
	t.is(tree.instructions.length, 1);
});

test(says, '# escape=\\\n# escape=`\nFROM a', {
	code: 'InvalidDirective',
	message: 'Only one escape parser directive can be used',
	at: '2:1',
});
test(says, '# syntax=a\n# escape=x\nFROM a', {
	code: 'InvalidDirective',
	message: "Invalid escape token 'x' does not match ` or \\",
	at: '2:1',
});

test('the syntax is detected in every place where BuildKit looks', t => {
	t.is(detectSyntax('#!/usr/bin/env docker\n# syntax=a/b:1\nFROM x'), 'a/b:1');
	t.is(detectSyntax('// syntax=a/b:2\n'), 'a/b:2');
	t.is(detectSyntax('{"syntax": "a/b:3"}'), 'a/b:3');
	t.is(detectSyntax('FROM x\n# syntax=late'), undefined);
	t.is(detectSyntax('{nonsense'), undefined);
});

test('a comment is a whole line; inside an instruction it vanishes, indented or not', t => {
	const tree = parse('FROM a\n  # note\nRUN echo # data \\\n# gone\n   # gone too\n  && b\n');
	t.deepEqual(
		tree.instructions.map(({text}) => text),
		['FROM a', 'RUN echo # data   && b'],
	);
});

for (const [text, expected] of [
	['RUN a \\\n   b', 'RUN a    b'],
	['RUN a \\  \t\n b', 'RUN a  b'],
	['RUN a\\\\\nRUN b', 'RUN a\\\\'],
	['RUN a \\', 'RUN a'],
	['RUN a \\\n\\\nb', 'RUN a b'],
	['  RUN   a  ', 'RUN a'],
	['run a', 'RUN a'],
] as const) {
	test(`${JSON.stringify(text)} is the instruction ${expected}`, t => {
		t.is(parse(text).instructions[0]?.text, expected);
	});
}

test('an empty line inside a continuation is skipped with a warning at its place', t => {
	const tree = parse('RUN a \\\n\n  \n  b\n');
	t.is(tree.instructions[0]?.text, 'RUN a   b');
	t.like(tree.diagnostics, [
		{severity: 'warning', code: 'NoEmptyContinuation', message: 'Empty continuation line', range: {startLine: 2}},
	]);
	t.is(tree.diagnostics.length, 1);
});

test('ranges go from the first physical line to the last, heredocs included', t => {
	const tree = parse('\nFROM a\nRUN a \\\n  b\nCOPY <<E /x\nhi\nE\n');
	t.deepEqual(
		tree.instructions.map(({range}) => [range.startLine, range.startColumn, range.endLine, range.endColumn]),
		[
			[2, 1, 2, 7],
			[3, 1, 4, 4],
			[5, 1, 7, 2],
		],
	);
});

test('a comment right above FROM or ARG that begins with the name describes it', t => {
	const docs = (text: string): unknown => parse(text).instructions[0]?.docComment;
	t.is(docs('# base holds the tools\nFROM a AS base'), 'holds the tools');
	t.is(docs('# other\n# VERSION of the thing\nARG VERSION=1'), 'of the thing');
	t.is(docs('# VERSION of the thing\n\nARG VERSION=1'), undefined);
	t.is(docs('# VERSIONS of the thing\nARG VERSION=1'), undefined);
	t.is(docs('# RUN does it\nRUN a'), undefined);
});

test(says, 'FROM a\nCOPPY a b', {
	code: 'UnknownInstruction',
	message: 'Unknown instruction: COPPY',
	hint: 'Did you mean COPY?',
	at: '2:1',
});
test(says, 'FROM a\n  copy_ a b', {code: 'UnknownInstruction', message: 'Unknown instruction: copy_', at: '2:3'});
test(says, 'U\u017fER a', {code: 'UnknownInstruction', message: 'Unknown instruction: U\u017fER'});

test('several errors are reported at once, and the rest is still read', t => {
	const tree = parse('FROM a\nCOPPY a b\nENV\nRUN x\nCOPY --boo a b\n');
	t.deepEqual(
		tree.diagnostics.map(({message}) => message),
		['Unknown instruction: COPPY', 'ENV requires at least one argument', 'Unknown flag: --boo'],
	);
	t.deepEqual(
		tree.instructions.map(({kind}) => kind),
		['FROM', 'RUN'],
	);
	t.is(tree.diagnostics[2]?.lineText, 'COPY --boo a b');
});

test('a column inside a continued instruction is that of its own line', t => {
	const [problem] = parse('COPY a \\\n   --x b \\\n').diagnostics;
	t.is(problem, undefined);
	const [flag] = parse('COPY \\\n   --boo a b').diagnostics;
	t.deepEqual(flag?.range, {startLine: 2, startColumn: 4, endLine: 2, endColumn: 9});
	t.is(flag?.lineText, '   --boo a b');
});

// Limits

test('a line of 65535 bytes is read, one byte more is refused', t => {
	const run = (length: number): SealfileTree => parse(`RUN ${'a'.repeat(length - 4)}\nRUN b`);
	t.deepEqual(run(65_535).diagnostics, []);
	t.is(run(65_536).diagnostics[0]?.message, 'Line greater than max allowed size of 65535');
	t.is(run(65_536).instructions.length, 1);
});

test('the limit counts bytes, and the joined line', t => {
	t.is(parse(`RUN ${'ä'.repeat(40_000)}`).diagnostics[0]?.code, 'LineTooLong');
	t.is(parse(`RUN ${`${'a'.repeat(100)}\\\n`.repeat(700)}`).diagnostics[0]?.code, 'LineTooLong');
	t.is(parse(`RUN <<E\n${'a'.repeat(70_000)}\nE`).diagnostics[0]?.code, 'LineTooLong');
});

test('a line of 100 MB is refused with its number, unread', t => {
	const huge = Buffer.alloc(100 * 1024 * 1024, 'a');
	huge.write('FROM a\nRUN ');
	t.like(parse(huge), {source: '', instructions: {length: 0}});
	t.like(parse(huge).diagnostics, [{code: 'LineTooLong', range: {startLine: 2}}]);
	t.like(parse('# a\n'.repeat(5_000_000)).diagnostics, [{code: 'FileTooLarge'}]);
});

test('ten thousand instructions are read, all of them', t => {
	const tree = parse(`FROM a\n${'ENV a=b \\\n c=d\n'.repeat(5000)}`);
	t.is(tree.instructions.length, 5001);
	t.deepEqual(tree.diagnostics, []);
});

test('a file with more than a hundred errors is not read to its end', t => {
	t.is(parse('X\n'.repeat(100_000)).diagnostics.length, 100);
});

test('a file with more than fifty thousand instructions is refused at the first too many', t => {
	t.like(parse('RUN x\n'.repeat(60_000)).diagnostics, [{code: 'TooManyInstructions', range: {startLine: 50_001}}]);
});

test('a NUL byte and invalid UTF-8 are errors with a place', t => {
	t.like(parse('FROM a\nRUN b\0c').diagnostics, [{code: 'NulByte', range: {startLine: 2, startColumn: 6}}]);
	const bytes = Buffer.concat([Buffer.from('FROM a\n# '), Buffer.from([0xff]), Buffer.from('\n')]);
	t.like(parse(bytes).diagnostics, [{code: 'InvalidUtf8', range: {startLine: 2, startColumn: 3}}]);
	t.deepEqual(parse(Buffer.from('FROM a\n# \uFFFD\n')).diagnostics, []);
});

test('a file of nothing has no instructions and no errors of its own', t => {
	for (const text of ['', '\n\n', '# comment', '\uFEFF'])
		t.like(parse(text), {instructions: {length: 0}, diagnostics: {length: 0}});
});

// Flags and JSON

test('quotes and escapes inside a flag are removed, a lone -- ends the flags', t => {
	t.like(one('COPY', 'COPY --chown="a b" --from=x\\ y -- --link /d'), {
		chown: 'a b',
		from: 'x y',
		sources: ['--link'],
		destination: '/d',
	});
});

test('boolean flags take true and false, bare means true; lists repeat', t => {
	t.like(one('COPY', 'COPY --link --parents=FALSE --exclude=a --exclude=b x /y'), {
		link: true,
		parents: false,
		exclude: ['a', 'b'],
	});
	t.like(one('ADD', 'ADD --unpack=false --keep-git-dir --checksum=sha256:x a /b'), {
		unpack: false,
		keepGitDir: true,
		checksum: 'sha256:x',
	});
	t.is(one('ADD', 'ADD a /b').unpack, undefined);
});

for (const [text, message, hint] of [
	['COPY --boo a b', 'Unknown flag: --boo', undefined],
	['COPY --chmd=1 a b', 'Unknown flag: --chmd', 'Did you mean --chmod?'],
	['COPY --chown=a --chown=b a b', 'Duplicate flag specified: --chown', undefined],
	['COPY --link=maybe a b', 'Expecting boolean value for flag --link, not: maybe', undefined],
	['COPY --link= a b', 'Missing a value on flag: --link', undefined],
	['COPY --chown a b', 'Missing a value on flag: --chown', undefined],
	['ENV --x a=b', 'Unknown flag: --x', 'This instruction takes no flags.'],
	['COPY --__proto__=a a b', 'Unknown flag: --__proto__', undefined],
] as const) {
	test(says, text, {
		code: message.startsWith('Unknown') ? 'UnknownFlag' : message.startsWith('Dup') ? 'DuplicateFlag' : 'InvalidFlag',
		message,
		...(hint === undefined ? {} : {hint}),
		at: message.startsWith('Dup') ? '1:16' : message.includes('--x') ? '1:5' : '1:6',
	});
}

for (const text of ["CMD ['a']", 'CMD ["a"', 'CMD ["a', 'CMD ["a"] b', 'CMD "[\\"a\\"]"', 'CMD [a]']) {
	test(`${text} is shell form`, t => {
		t.deepEqual(one('CMD', text).command, {form: 'shell', text: text.slice(4)});
	});
}

for (const text of [
	'CMD ["a", 1]',
	'CMD [["a"]]',
	'COPY ["a", null]',
	'RUN [{}]',
	'VOLUME [true]',
	'HEALTHCHECK CMD [1]',
]) {
	test(says, text, {
		code: 'InvalidJson',
		message: 'When using JSON array syntax, arrays must be comprised of strings only',
	});
}

test('JSON form is a list of arguments, blanks before the bracket or not', t => {
	t.deepEqual(one('CMD', 'CMD   [ "a b" , "c\\u0041" ]').command, {form: 'json', argv: ['a b', 'cA']});
	t.deepEqual(one('ENTRYPOINT', 'ENTRYPOINT []').command, {form: 'json', argv: []});
	t.like(one('COPY', 'COPY ["a b", "/c d"]'), {sources: ['a b'], destination: '/c d'});
	t.like(one('VOLUME', 'VOLUME ["/a", " /b "]'), {paths: ['/a', '/b']});
});

for (const [text, code, message] of [
	['SHELL a b', 'JsonRequired', 'SHELL requires the arguments to be in JSON form'],
	['SHELL []', 'WrongArguments', 'SHELL requires at least one argument'],
	['RUN', 'WrongArguments', 'RUN requires at least one argument'],
	['CMD', 'WrongArguments', 'CMD requires at least one argument'],
	['WORKDIR', 'WrongArguments', 'WORKDIR requires exactly one argument'],
	['USER ', 'WrongArguments', 'USER requires exactly one argument'],
	['EXPOSE', 'WrongArguments', 'EXPOSE requires at least one argument'],
	['VOLUME', 'WrongArguments', 'VOLUME requires at least one argument'],
	['VOLUME [""]', 'BlankVolume', 'VOLUME specified can not be an empty string'],
	['ARG', 'WrongArguments', 'ARG requires at least one argument'],
	['ARG =x', 'BlankName', 'ARG names can not be blank'],
	['FROM', 'WrongArguments', 'FROM requires either one or three arguments'],
	['FROM a b', 'WrongArguments', 'FROM requires either one or three arguments'],
	['FROM a BS b', 'WrongArguments', 'FROM requires either one or three arguments'],
	[
		'FROM a AS 1b',
		'InvalidStageName',
		`Invalid name for build stage: "1b", name can't start with a number or contain symbols`,
	],
	[
		'FROM a AS b/c',
		'InvalidStageName',
		`Invalid name for build stage: "b/c", name can't start with a number or contain symbols`,
	],
	[
		'COPY a',
		'WrongArguments',
		'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
	],
	['ADD', 'WrongArguments', 'ADD requires at least two arguments'],
	['COPY --from=$X a b', 'CopyFromVariable', 'Variable expansion is not supported for --from'],
	['HEALTHCHECK', 'WrongArguments', 'HEALTHCHECK requires at least one argument'],
	['HEALTHCHECK NONE x', 'WrongArguments', 'HEALTHCHECK NONE takes no arguments'],
	['HEALTHCHECK CMD', 'WrongArguments', 'Missing command after HEALTHCHECK CMD'],
	['HEALTHCHECK RUN a', 'WrongArguments', 'Unknown type "RUN" in HEALTHCHECK (try CMD)'],
	['HEALTHCHECK --interval=1us CMD a', 'InvalidFlag', 'Interval "interval" cannot be less than 1ms'],
	['HEALTHCHECK --timeout=5 CMD a', 'InvalidFlag', 'Invalid duration "5" for --timeout'],
	['HEALTHCHECK --retries=-1 CMD a', 'InvalidFlag', '--retries cannot be negative (-1)'],
	['HEALTHCHECK --retries=x CMD a', 'InvalidFlag', 'Invalid number "x" for --retries'],
	['RUN --network=some a', 'InvalidFlag', 'Invalid value for --network: some'],
	['RUN --mount=type=bnd,target=/x a', 'InvalidMount', 'Unsupported mount type "bnd" (did you mean bind?)'],
	[
		'RUN --mount=target=/x,from=$Y a',
		'InvalidMount',
		"'from' doesn't support variable expansion, define alias stage instead",
	],
	['RUN --mount=type=cache a', 'InvalidMount', 'Mount of type cache needs a target'],
	['RUN --mount=type=cache,taget=/x a', 'InvalidMount', "Unexpected key 'taget' in 'taget=/x' (did you mean target?)"],
	['RUN --mount=nothing a', 'InvalidMount', "Invalid field 'nothing' must be a key=value pair"],
	['RUN --mount=type=cache,target=/x,uid=me a', 'InvalidMount', 'Invalid value for uid: me'],
] as const) {
	test(says, text, {code, message});
}

test('HEALTHCHECK keeps its command and its durations in nanoseconds', t => {
	t.like(one('HEALTHCHECK', 'HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --retries=3 CMD ["a"]'), {
		test: ['CMD', 'a'],
		intervalNs: 90e9,
		timeoutNs: 1.5e9,
		startPeriodNs: undefined,
		retries: 3,
	});
	t.deepEqual(one('HEALTHCHECK', 'HEALTHCHECK cmd curl -f x').test, ['CMD-SHELL', 'curl -f x']);
	t.deepEqual(one('HEALTHCHECK', 'healthcheck none').test, ['NONE']);
});

test('RUN knows mounts, network and security', t => {
	t.like(
		one(
			'RUN',
			'RUN --mount=type=cache,dst=/c,id=$ID,sharing=locked,mode=0700,uid=$U --mount=type=tmpfs,target=/t,size=64m --mount="type=secret,id=a,required" --network=none x',
		),
		{
			mounts: [
				{type: 'cache', target: '/c', id: '$ID', sharing: 'locked', mode: 0o700, uid: undefined},
				{type: 'tmpfs', target: '/t', sizeBytes: 67_108_864},
				{type: 'secret', id: 'a', required: true},
			],
			network: 'none',
			security: 'sandbox',
			command: {form: 'shell', text: 'x'},
		},
	);
	t.like(one('RUN', `RUN --mount='target=/x,from=base,source=/y,rw,"id=a,b"' z`).mounts, [
		{type: 'bind', target: '/x', from: 'base', source: '/y', readonly: false, id: 'a,b'},
	]);
});

test('EXPOSE keeps its words sorted', t => {
	t.deepEqual(one('EXPOSE', 'EXPOSE 80 443/tcp $P').ports, ['$P', '443/tcp', '80']);
});

// ENV, LABEL, ARG

test('words keep their quotes and escapes', t => {
	t.deepEqual(one('ENV', `ENV a="b c" d='e f' g=h\\ i "j k"=l`).pairs, [
		{key: 'a', value: '"b c"'},
		{key: 'd', value: "'e f'"},
		{key: 'g', value: 'h\\ i'},
		{key: '"j k"', value: 'l'},
	]);
	t.deepEqual(one('ARG', 'ARG a b=1 c="x y"').args, [
		{name: 'a'},
		{name: 'b', value: '1'},
		{name: 'c', value: '"x y"'},
	]);
	t.deepEqual(one('ENV', 'ENV a=b=c').pairs, [{key: 'a', value: 'b=c'}]);
});

test('the legacy form is one value with its blanks', t => {
	t.like(one('ENV', 'ENV k v  v2'), {pairs: [{key: 'k', value: 'v  v2'}], legacy: true});
	t.like(one('LABEL', 'LABEL k a=b'), {pairs: [{key: 'k', value: 'a=b'}], legacy: true});
});

for (const [text, message] of [
	['ENV k', 'ENV must have two arguments'],
	['LABEL k', 'LABEL must have two arguments'],
	['ENV a=b c', `Can't find = in "c", must be of the form: name=value`],
	['ENV =b', 'ENV names can not be blank'],
	['LABEL a=b =c', 'LABEL names can not be blank'],
] as const) {
	test(says, text, {
		code: message.startsWith("Can't") ? 'MissingEquals' : message.endsWith('blank') ? 'BlankName' : 'WrongArguments',
		message,
	});
}

// Heredocs

test('heredocs are read in order, quotes in the word turn expansion off, <<- drops leading tabs only', t => {
	const copy = one('COPY', 'COPY <<A <<-"b c.txt" x <<\'D\' /dst/\na $x\nA\n\t  b\n\tb c.txt\nD\n');
	t.deepEqual(copy.heredocs, [
		{name: 'A', expand: true, chomp: false, fd: 0, body: 'a $x\n'},
		{name: 'b c.txt', expand: false, chomp: true, fd: 0, body: '  b\n'},
		{name: 'D', expand: false, chomp: false, fd: 0, body: ''},
	]);
	t.like(copy, {sources: ['x'], destination: '/dst/'});
});

for (const [text, name, fd] of [
	['RUN 3<<EOF cat\nEOF', 'EOF', 3],
	['RUN cat << EOF\nEOF', 'EOF', 0],
	['RUN cat <<$EOF\n$EOF', '$EOF', 0],
	['RUN cat <<- "E F"\nE F', 'E F', 0],
] as const) {
	test(`${JSON.stringify(text)} opens the heredoc ${name}`, t => {
		t.like(one('RUN', text).heredocs, [{name, fd, body: ''}]);
	});
}

for (const text of [
	'RUN cat "<<EOF"',
	'RUN cat <<<EOF',
	'RUN echo $((1 << 2))',
	'RUN cat<<EOF',
	'RUN ["a", "<<EOF"]',
	'CMD cat <<EOF',
	"RUN echo it's <<EOF",
]) {
	test(`${text} opens none`, t => {
		const [found] = parse(text).instructions;
		t.truthy(found);
		t.deepEqual(parse(text).diagnostics, []);
		t.deepEqual(found !== undefined && 'heredocs' in found ? found.heredocs : [], []);
	});
}

test('a terminator is the exact line', t => {
	t.is(one('RUN', 'RUN <<EOF\n EOF\nEOF \n\tEOF\nEOF').heredocs[0]?.body, ' EOF\nEOF \n\tEOF\n');
	t.is(one('RUN', 'RUN <<EOF\r\na\r\nEOF\r\n').heredocs[0]?.body, 'a\r\n');
});

test(says, 'RUN <<EOF\nx\n', {
	code: 'UnterminatedHeredoc',
	message: 'Unterminated heredoc',
	hint: 'End it with a line that holds only EOF.',
});
test(says, 'COPY a <<EOF\nx\nEOF', {
	code: 'HeredocDestination',
	message: 'COPY cannot accept a heredoc as destination',
});

test('the body of a wrong instruction is not taken for instructions', t => {
	const tree = parse('COPY --boo <<EOF /x\nFROM evil\nEOF\nRUN a\n');
	t.deepEqual(
		tree.instructions.map(({kind}) => kind),
		['RUN'],
	);
	t.is(tree.diagnostics.length, 1);
});

// ONBUILD

test('ONBUILD keeps its trigger verbatim, heredocs attached', t => {
	const onbuild = one('ONBUILD', 'onbuild  copy <<EOF /x\nhi\nEOF\n');
	t.is(onbuild.trigger, 'copy <<EOF /x\nhi\nEOF');
	t.like(onbuild.instruction, {kind: 'COPY', heredocs: [{body: 'hi\n'}]});
});

for (const [text, message] of [
	['ONBUILD ONBUILD RUN a', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
	['ONBUILD FROM a', "FROM isn't allowed as an ONBUILD trigger"],
	['ONBUILD maintainer a', "MAINTAINER isn't allowed as an ONBUILD trigger"],
] as const) {
	test(says, text, {code: 'InvalidTrigger', message, at: '1:9'});
}
test(says, 'ONBUILD', {code: 'WrongArguments', message: 'ONBUILD requires at least one argument'});
test(says, 'ONBUILD COPPY a b', {code: 'UnknownInstruction', message: 'Unknown instruction: COPPY', at: '1:9'});

test('a trigger of an image is read with the place of its FROM line', t => {
	const range = {startLine: 7, startColumn: 1, endLine: 7, endColumn: 12};
	const place = {file: 'Sealfile', range, lineText: 'FROM parent'};
	t.like(parseTrigger('RUN cat <<E\nhi\nE', place), {
		instruction: {kind: 'RUN', range, heredocs: [{body: 'hi\n'}]},
		diagnostics: {length: 0},
	});
	for (const text of ['', 'ONBUILD RUN a', 'FROM x', 'RUN a\nRUN b', 'COPPY a b', '\0']) {
		const {instruction, diagnostics} = parseTrigger(text, place);
		t.is(instruction, undefined, JSON.stringify(text));
		t.true(diagnostics.length > 0, JSON.stringify(text));
		t.true(diagnostics.every(diagnostic => diagnostic.range === range && diagnostic.lineText === 'FROM parent'));
	}
});
