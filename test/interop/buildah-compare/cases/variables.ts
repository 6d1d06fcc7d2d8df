import {type BuildCase, file} from '../case.js';

const context = {'a.txt': file('a\n'), 'b.txt': file('b\n')};
const labels = (title: string, ...lines: string[]): BuildCase => ({
	title,
	context,
	sealfile: ['FROM scratch', ...lines, 'COPY a.txt /'],
});

/** Variables, quotes and the lines of the language. Labels show the values. */
export const variableCases: readonly BuildCase[] = [
	labels('an ARG has a default', 'ARG x=1', 'LABEL x=$x'),
	{...labels('a build argument beats the default', 'ARG x=1', 'LABEL x=$x'), buildArgs: {x: '2'}},
	{...labels('an empty build argument counts', 'ARG x=1', 'LABEL x="[$x]"'), buildArgs: {x: ''}},
	labels('ENV beats ARG', 'ARG x=1', 'ENV x=2', 'LABEL x=$x'),
	{...labels('ENV beats a build argument', 'ARG x', 'ENV x=2', 'LABEL x=$x'), buildArgs: {x: '3'}},
	labels('an ARG is worth nothing before its line', 'LABEL before="[$x]"', 'ARG x=1', 'LABEL after=$x'),
	{
		title: 'an ARG before FROM is for FROM and for who asks',
		context,
		sealfile: [
			'ARG base=scratch',
			'ARG v=7',
			'FROM $base',
			'LABEL no="[$v]"',
			'ARG v',
			'LABEL yes="[$v]"',
			'COPY a.txt /',
		],
	},
	labels('a default may use another variable', 'ARG x=1', 'ARG y=${x}2', 'LABEL y=$y'),
	labels('several in one ARG', 'ARG x=1 y=2', 'LABEL z=$x$y'),
	labels('values within one line are the old ones', 'ENV abc=hello', 'ENV abc=bye def=$abc', 'ENV ghi=$abc'),
	labels('defaults and alternatives', 'ENV set=1', 'LABEL a=${set:-no} b=${none:-yes} c=${set:+yes} d="[${none:+no}]"'),
	labels(
		'defaults and alternatives without a colon',
		'ENV set=1 empty=',
		'LABEL a=${none-yes} b="[${empty-no}]" c=${empty+yes}',
	),
	labels('prefixes and suffixes are cut', 'ENV f=dir/file.tar.gz', 'LABEL a=${f#*/} b=${f##*.} c=${f%.*} d=${f%%.*}'),
	labels('patterns are replaced', 'ENV f=aXbXc', 'LABEL a=${f/X/-} b=${f//X/-}'),
	labels('a default inside a default', 'ENV inner=deep', 'LABEL a=${none:-${inner}} b=${none:-${alsonone:-bottom}}'),
	{...labels('a required variable that is missing is refused', 'LABEL a="${none:?must be given}"'), refused: true},
	labels('quotes keep blanks', 'ENV a="one two" b=\'three four\' c=five\\ six'),
	labels('single quotes keep dollars', 'ENV x=1', 'LABEL a=\'$x\' b="$x" c=\\$x d="\\$x"'),
	labels('quotes inside quotes', 'LABEL a="say \\"hi\\"" b=\'it is "so"\' c="it\'s"'),
	labels('backslashes in quotes', 'LABEL a="C:\\dir" b=\'C:\\dir\' c="tab\\\\end"'),
	labels('the old form of ENV keeps the rest of the line', 'ENV greeting hello   big "world"', 'LABEL a="$greeting"'),
	labels('an equals sign inside a value', 'ENV a=b=c d="e=f"'),
	labels('an empty value', 'ENV a= b=""'),
	labels('variables glued together', 'ENV a=1 b=2', 'LABEL x=$a$b y=${a}${b}c z=$a-$b w=$a.$b'),
	labels('unset variables are empty', 'LABEL x="[$nothing]" y="[${nothing}]"'),
	labels('names of labels take variables', 'ARG k=key', 'LABEL $k=value "quoted.$k"=v'),
	{
		title: 'variables in paths',
		context,
		sealfile: [
			'FROM scratch',
			'ARG name=a',
			'ENV dir=/data',
			'COPY ${name}.txt $dir/${name}/',
			'WORKDIR ${dir}/work',
			'USER $name',
			'EXPOSE ${port:-80}',
			'VOLUME $dir',
			'STOPSIGNAL ${sig:-SIGUSR1}',
		],
	},
	{
		title: 'the escape character can be the backtick',
		context,
		sealfile: ['# escape=`', 'FROM scratch', 'LABEL a="C:\\dir" `', '  b=2', 'COPY a.txt `', '  /d/'],
	},
	{
		title: 'comments and empty lines inside a continued line',
		context,
		sealfile: ['FROM scratch', 'LABEL a=1 \\', '# a comment', '  # an indented one', '', '  b=2', 'COPY a.txt /'],
	},
	{title: 'instructions in lower case', context, sealfile: ['from scratch', 'copy a.txt /', 'label a=b']},
	{
		title: 'lines that end in CR LF',
		context,
		sealfile: ['FROM scratch\r', 'LABEL a=1 \\\r', '  b=2\r', 'COPY a.txt /\r'],
	},
	{title: 'a byte order mark', context, sealfile: ['\uFEFFFROM scratch', 'COPY a.txt /']},
	{
		title: 'a syntax directive is no matter',
		context,
		sealfile: ['# syntax=docker/dockerfile:1', 'FROM scratch', 'COPY a.txt /'],
	},
	{title: 'an unknown instruction is refused', context, sealfile: ['FROM scratch', 'COPPY a.txt /'], refused: true},
	{title: 'a file without FROM is refused', context, sealfile: ['COPY a.txt /'], refused: true},
	{
		title: 'a heredoc as a source',
		context,
		sealfile: ['FROM scratch', 'ARG who=world', 'COPY <<hello.txt /d/', 'hello $who', 'hello.txt', 'COPY a.txt /'],
	},
	{
		title: 'a quoted heredoc keeps dollars',
		context,
		sealfile: ['FROM scratch', "COPY <<-'EOF' /plain.sh", '\techo $HOME', 'EOF', 'COPY a.txt /'],
	},
];
