import {type BuildCase, directory, file, symlink} from '../case.js';

const letters = {
	'a.txt': file('a\n'),
	'b.txt': file('b\n'),
	'c.md': file('c\n'),
	'd1/x.txt': file('x\n'),
	'd2/y.txt': file('y\n'),
	'd2/deep/z.txt': file('z\n'),
};

const linked = {'tree/real/keep': file('keep\n'), 'tree/link': symlink('real'), 'f.txt': file('f\n')};

/** How sources and destinations are read: wildcards, odd names, links on the way. */
export const pathCases: readonly BuildCase[] = [
	{title: 'a wildcard matches files', context: letters, sealfile: ['FROM scratch', 'COPY *.txt /t/']},
	{
		title: 'a wildcard matches folders and gives their contents',
		context: letters,
		sealfile: ['FROM scratch', 'COPY d* /t/'],
	},
	{title: 'question marks and classes', context: letters, sealfile: ['FROM scratch', 'COPY d?/[xy].txt /t/']},
	{title: 'a negated class', context: letters, sealfile: ['FROM scratch', 'COPY [^a].txt /t/']},
	{title: 'two stars match any depth', context: letters, sealfile: ['FROM scratch', 'COPY **/*.txt /t/']},
	{
		title: 'a bracket is written as a class',
		context: {'arr[0].txt': file('zero\n')},
		sealfile: ['FROM scratch', 'COPY arr[[]0].txt /t/'],
	},
	{
		title: 'a wildcard without a match beside a source that matches',
		context: letters,
		sealfile: ['FROM scratch', 'COPY *.none a.txt /t/'],
	},
	{
		title: 'one wildcard without a match',
		context: letters,
		sealfile: ['FROM scratch', 'COPY *.none /t/', 'COPY a.txt /'],
	},
	{
		title: 'a missing source is refused',
		context: letters,
		sealfile: ['FROM scratch', 'COPY missing /t/'],
		refused: true,
	},
	{
		title: 'a missing source beside one that exists is refused',
		context: letters,
		sealfile: ['FROM scratch', 'COPY a.txt missing /t/'],
		refused: true,
	},
	{
		title: 'several sources need a folder as the destination',
		context: letters,
		sealfile: ['FROM scratch', 'COPY a.txt b.txt /t'],
	},
	{
		title: 'the destination is relative to WORKDIR',
		context: letters,
		sealfile: ['FROM scratch', 'WORKDIR /work', 'COPY a.txt sub/'],
	},
	{title: 'a dot is WORKDIR', context: letters, sealfile: ['FROM scratch', 'WORKDIR /work', 'COPY a.txt .']},
	{
		title: 'dots in a destination are resolved',
		context: letters,
		sealfile: ['FROM scratch', 'COPY a.txt /p/q/../r/./'],
	},
	{
		title: 'a destination above the root is in the root',
		context: letters,
		sealfile: ['FROM scratch', 'COPY a.txt /../../x/'],
	},
	{
		title: 'a relative destination above the root',
		context: letters,
		sealfile: ['FROM scratch', 'WORKDIR /w', 'COPY a.txt ../../../x/'],
	},
	{
		title: 'sources with leading dots and slashes',
		context: letters,
		sealfile: ['FROM scratch', 'COPY ./a.txt /b.txt ./d1/../c.md /t/'],
	},
	{title: 'a source above the context is inside it', context: letters, sealfile: ['FROM scratch', 'COPY ../a.txt /t/']},
	{title: 'a source of dots inside a folder', context: letters, sealfile: ['FROM scratch', 'COPY d2/. /t/']},
	{
		title: 'the JSON form takes blanks in names',
		context: {'a b.txt': file('ab\n'), 'dir c/f': file()},
		sealfile: ['FROM scratch', 'COPY ["a b.txt", "/x y/"]', 'COPY ["dir c", "/z z"]'],
	},
	{
		title: 'quotes do not keep blanks together outside the JSON form',
		context: {'a b.txt': file('ab\n')},
		sealfile: ['FROM scratch', 'COPY "a b.txt" /plain.txt'],
		refused: true,
	},
	{
		title: 'names beyond ASCII',
		context: {
			'd/grüße': file('1\n'),
			'd/日本語.txt': file('2\n'),
			'd/emoji-🚀': file('3\n'),
			'd/new\nline': file('4\n'),
		},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'names and paths beyond the fields of USTAR',
		context: {
			[`d/${'n'.repeat(200)}`]: file('long\n'),
			[`d/${'p'.repeat(90)}/${'q'.repeat(90)}/${'r'.repeat(120)}/f`]: file('deep\n'),
			'd/link': symlink(`/${'t'.repeat(180)}`),
		},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'names of whiteouts and dots',
		context: {'d/.hidden': file(), 'd/..two': file(), 'd/a.wh.b': file(), 'd/.wh': file()},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'the destination goes through a symlink to a folder',
		context: linked,
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY f.txt /link/'],
	},
	{
		title: 'a destination that is a symlink to a folder',
		context: linked,
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY f.txt /link'],
	},
	{
		title: 'a folder is copied through a symlink',
		context: {...linked, 'more/m': file('m\n')},
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY more /link'],
	},
	{
		title: 'the destination goes through an absolute symlink',
		context: {'tree/opt/app/keep': file(), 'tree/app': symlink('/opt/app'), 'f.txt': file('f\n')},
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY f.txt /app/f.txt'],
	},
	{
		title: 'a destination that is a symlink to a file',
		context: {'tree/real.txt': file('old\n'), 'tree/link.txt': symlink('real.txt'), 'f.txt': file('f\n')},
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY f.txt /link.txt'],
	},
	{
		title: 'a destination under a dangling symlink',
		context: {'tree/link': symlink('later'), 'f.txt': file('f\n')},
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY f.txt /link/'],
	},
	{
		title: 'a symlink in a layer cannot lead out of the image',
		context: {'tree/out': symlink('../../../../etc'), 'tree/etc/keep': file(), 'f.txt': file('f\n')},
		sealfile: ['FROM scratch', 'COPY tree /', 'COPY f.txt /out/f.txt'],
	},
	{
		title: 'a copied tree replaces nothing behind a symlinked folder',
		context: {'one/real/a': file('a\n'), 'one/link': symlink('real'), 'two/link/b': file('b\n')},
		sealfile: ['FROM scratch', 'COPY one /', 'COPY two /'],
	},
	{
		title: 'the root of the image takes the metadata of nothing',
		context: {'d/a': file(), d: directory({mode: 0o700})},
		sealfile: ['FROM scratch', 'COPY d /'],
	},
];
