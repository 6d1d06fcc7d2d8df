import {type BuildCase, directory, fifo, file, hardlink, symlink} from '../case.js';

const tree = {
	'dir/a.txt': file('a\n'),
	'dir/sub/b.txt': file('b\n', {mode: 0o600}),
	'dir/sub': directory({mode: 0o750, mtime: 1_500_000_000}),
};

/** What COPY puts where: files, folders, links, times. */
export const copyCases: readonly BuildCase[] = [
	{
		title: 'a file goes into a folder written with a trailing slash',
		context: {'a.txt': file('a\n', {mode: 0o640})},
		sealfile: ['FROM scratch', 'COPY a.txt /dir/'],
	},
	{
		title: 'a file gets the name of the destination',
		context: {'a.txt': file('a\n')},
		sealfile: ['FROM scratch', 'COPY a.txt /b.txt'],
	},
	{
		title: 'several files go into one folder',
		context: {'a.txt': file('a\n'), 'b.txt': file('b\n'), 'sub/c.txt': file('c\n')},
		sealfile: ['FROM scratch', 'COPY a.txt b.txt sub/c.txt /dir/'],
	},
	{title: 'a folder gives its contents', context: tree, sealfile: ['FROM scratch', 'COPY dir /x']},
	{
		title: 'a folder gives its contents to a destination with a slash',
		context: tree,
		sealfile: ['FROM scratch', 'COPY dir/ /x/'],
	},
	{title: 'the whole context goes to the root', context: tree, sealfile: ['FROM scratch', 'COPY . /']},
	{
		title: 'missing parents of the destination are made',
		context: tree,
		sealfile: ['FROM scratch', 'COPY . /very/deep/path/'],
	},
	{
		title: 'a new destination folder takes the mode of the source folder',
		context: {'dir/a': file(), dir: directory({mode: 0o750})},
		sealfile: ['FROM scratch', 'COPY dir /new'],
	},
	{
		title: 'an existing destination folder keeps its mode',
		context: {'one/d/a': file(), 'one/d': directory({mode: 0o700}), 'two/b': file(), two: directory({mode: 0o775})},
		sealfile: ['FROM scratch', 'COPY one /', 'COPY two /d'],
	},
	{
		title: 'odd modes of folders survive',
		context: {
			'd/sticky': directory({mode: 0o1777}),
			'd/setgid': directory({mode: 0o2755}),
			'd/closed': directory({mode: 0o700}),
			'd/none': directory({mode: 0o000}),
		},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'setuid, setgid and odd modes of files survive',
		context: {
			'd/suid': file('x', {mode: 0o4755}),
			'd/sgid': file('x', {mode: 0o2755}),
			'd/all': file('x', {mode: 0o7777}),
			'd/none': file('x', {mode: 0o000}),
			'd/exec': file('x', {mode: 0o111}),
		},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'empty files and empty folders are copied',
		context: {'d/empty': file(''), 'd/void': directory(), 'd/deep/void': directory({mode: 0o711})},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'hard links within one source stay hard links',
		context: {'d/a': file('shared\n'), 'd/b': hardlink('d/a'), 'd/sub/c': hardlink('d/a')},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'hard links over two instructions are separate files',
		context: {'d/a': file('shared\n'), 'd/b': hardlink('d/a')},
		sealfile: ['FROM scratch', 'COPY d/a /a', 'COPY d/b /b'],
	},
	{
		title: 'hard links named one by one in one instruction',
		context: {a: file('shared\n'), b: hardlink('a')},
		sealfile: ['FROM scratch', 'COPY a b /d/'],
	},
	{
		title: 'symlinks inside a copied folder are kept as they are',
		context: {
			'd/real': file('real\n'),
			'd/relative': symlink('real'),
			'd/up': symlink('../d/real'),
			'd/absolute': symlink('/etc/passwd'),
			'd/dangling': symlink('nowhere'),
			'd/todir': symlink('sub'),
			'd/sub/x': file('x\n'),
		},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'a symlink to a file named as the source is followed',
		context: {'real.txt': file('real\n', {mode: 0o600}), link: symlink('real.txt')},
		sealfile: ['FROM scratch', 'COPY link /'],
	},
	{
		title: 'a symlink to a folder named as the source is followed',
		context: {...tree, link: symlink('dir')},
		sealfile: ['FROM scratch', 'COPY link /x'],
	},
	{
		title: 'a symlink to a folder named with a slash is followed',
		context: {...tree, link: symlink('dir')},
		sealfile: ['FROM scratch', 'COPY link/ /x/'],
	},
	{
		title: 'a wildcard that hits a symlink follows it',
		context: {'real.txt': file('real\n'), 'link.lnk': symlink('real.txt')},
		sealfile: ['FROM scratch', 'COPY *.lnk /d/'],
	},
	{
		title: 'an absolute symlink in the context stays inside the context',
		context: {'data/f': file('f\n'), link: symlink('/data/f')},
		sealfile: ['FROM scratch', 'COPY link /f'],
	},
	{
		title: 'a path through a symlinked folder of the context',
		context: {...tree, link: symlink('dir')},
		sealfile: ['FROM scratch', 'COPY link/sub/b.txt /b'],
	},
	{
		title: 'times of files and folders are kept',
		context: {
			'd/old': file('o', {mtime: 1}),
			'd/before-2001': file('o', {mtime: 900_000_000}),
			'd/after-2038': file('o', {mtime: 2_208_988_800}),
			'd/sub': directory({mtime: 1_234_567_890}),
			'd/link': symlink('old', {mtime: 1_111_111_111}),
		},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'a time before 1970 is kept',
		context: {'d/ancient': file('o', {mtime: -86_400})},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'part of a second is dropped',
		context: {f: file('f', {mtime: 1_600_000_000.75})},
		sealfile: ['FROM scratch', 'COPY f /f'],
	},
	{
		title: 'a later copy replaces a file',
		context: {'one/f': file('one\n', {mode: 0o600}), 'two/f': file('two, longer\n', {mode: 0o755})},
		sealfile: ['FROM scratch', 'COPY one/f /f', 'COPY two/f /f'],
	},
	{
		title: 'a later copy merges folders',
		context: {'one/a': file('1\n'), 'one/s/x': file('x\n'), 'two/b': file('2\n'), 'two/s/y': file('y\n')},
		sealfile: ['FROM scratch', 'COPY one /d', 'COPY two /d'],
	},
	{
		title: 'the later of two sources with one name wins',
		context: {'one/f': file('one\n'), 'two/f': file('two\n')},
		sealfile: ['FROM scratch', 'COPY one/f two/f /d/'],
	},
	{
		title: 'two folders as sources are merged',
		context: {'one/a': file('1\n'), 'two/b': file('2\n')},
		sealfile: ['FROM scratch', 'COPY one two /d/'],
	},
	{
		title: 'a named pipe in a copied folder',
		context: {'d/pipe': fifo({mode: 0o620}), 'd/f': file()},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'a file of three megabytes',
		context: {big: file(Buffer.alloc(3_000_000, 'sealimage '))},
		sealfile: ['FROM scratch', 'COPY big /'],
	},
	{
		title: 'five hundred files',
		context: Object.fromEntries(Array.from({length: 500}, (_, i) => [`d/${i % 7}/f${i}`, file(`${i}\n`)])),
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{
		title: 'a symlink of a later copy replaces a file',
		context: {'one/f': file('f\n'), 'two/f': symlink('elsewhere')},
		sealfile: ['FROM scratch', 'COPY one /', 'COPY two /'],
	},
	{
		title: 'a file cannot replace a folder',
		context: {'d/sub/x': file(), f: file()},
		sealfile: ['FROM scratch', 'COPY d /', 'COPY f /sub'],
	},
	{
		title: 'a folder cannot replace a file',
		context: {'d/x': file(), f: file()},
		sealfile: ['FROM scratch', 'COPY f /x', 'COPY d /x'],
		refused: true,
	},
];
