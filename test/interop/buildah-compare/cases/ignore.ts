import {type BuildCase, file} from '../case.js';

const tree = {
	'a.log': file('log\n'),
	'a.txt': file('a\n'),
	'node_modules/m/index.js': file('m\n'),
	'sub/b.log': file('log\n'),
	'sub/b.txt': file('b\n'),
	'sub/deep/c.log': file('log\n'),
	'sub/deep/c.txt': file('c\n'),
	'sub/node_modules/n.js': file('n\n'),
};

const ignoring = (
	title: string,
	patterns: string,
	sealfile: readonly string[] = ['FROM scratch', 'COPY . /d/'],
): BuildCase => ({
	title,
	context: {...tree, '.dockerignore': file(patterns)},
	sealfile,
});

/** Ignore files. */
export const ignoreCases: readonly BuildCase[] = [
	ignoring('ignored names', 'a.log\nnode_modules\n.dockerignore\n'),
	ignoring('an ignored pattern at the top', '*.log\n.dockerignore\n'),
	ignoring('an ignored pattern at any depth', '**/*.log\n**/node_modules\n.dockerignore\n'),
	ignoring('an ignored folder with an exception', 'sub\n!sub/deep/c.txt\n.dockerignore\n'),
	ignoring('everything ignored but one file', '*\n!sub/b.txt\n'),
	ignoring('everything at any depth ignored but one file', '**\n!sub/deep/c.txt\n'),
	ignoring('the last pattern wins', '**/*.txt\n!sub/*.txt\nsub/b.txt\n.dockerignore\n'),
	ignoring('a folder pattern with two stars keeps the folder', 'sub/**\n.dockerignore\n'),
	ignoring(
		'comments, blanks and slashes in an ignore file',
		'# a comment\n\n  a.log  \n/sub/deep/\n./node_modules\n.dockerignore\n',
	),
	ignoring('a class in an ignore file', '[ab].log\n.dockerignore\n'),
	{...ignoring('the build file itself may be ignored', 'Sealfile\n.dockerignore\n*.log\n'), sealfileInContext: true},
	{
		...ignoring('an ignored file named as a source is refused', 'a.txt\n', ['FROM scratch', 'COPY a.txt /']),
		refused: true,
	},
	{
		title: 'containerignore comes before dockerignore',
		context: {...tree, '.dockerignore': file('a.txt\n'), '.containerignore': file('a.log\n.*ignore\n')},
		sealfile: ['FROM scratch', 'COPY . /d/'],
	},
	{
		title: 'ignore files do not apply to stages',
		context: {...tree, '.dockerignore': file('*.md\n.dockerignore\n'), 'r.md': file()},
		sealfile: ['FROM scratch AS one', 'COPY sub/b.txt /r.md', 'FROM scratch', 'COPY --from=one / /d/'],
	},
];
