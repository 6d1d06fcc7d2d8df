import {archive, type BuildCase, type Context, directory, file, hardlink, symlink} from '../case.js';

const packed: Context = {
	'top/f': file('f\n', {mode: 0o640, uid: 10, gid: 20}),
	'top/hard': hardlink('top/f'),
	'top/soft': symlink('f'),
	'top/suid': file('s\n', {mode: 0o4755, mtime: 1_000_000_000}),
	top: directory({mode: 0o750, uid: 30, gid: 40, mtime: 1_100_000_000}),
};

/** ADD: archives and downloads. */
export const addCases: readonly BuildCase[] = [
	{title: 'ADD of a plain file copies it', context: {f: file('f\n')}, sealfile: ['FROM scratch', 'ADD f /d/']},
	{title: 'ADD of a folder copies it', context: {'d/f': file()}, sealfile: ['FROM scratch', 'ADD d /d']},
	{title: 'ADD unpacks a tar', context: {'a.tar': archive('', packed)}, sealfile: ['FROM scratch', 'ADD a.tar /d/']},
	{
		title: 'ADD unpacks gzip',
		context: {'a.tar.gz': archive('gzip', packed)},
		sealfile: ['FROM scratch', 'ADD a.tar.gz /d/'],
	},
	{
		title: 'ADD unpacks bzip2',
		context: {'a.tbz': archive('bzip2', packed)},
		sealfile: ['FROM scratch', 'ADD a.tbz /d/'],
	},
	{title: 'ADD unpacks xz', context: {'a.txz': archive('xz', packed)}, sealfile: ['FROM scratch', 'ADD a.txz /d/']},
	{
		title: 'ADD unpacks zstd',
		context: {'a.tzst': archive('zstd', packed)},
		sealfile: ['FROM scratch', 'ADD a.tzst /d/'],
	},
	{
		title: 'the name of an archive does not matter',
		context: {data: archive('gzip', packed)},
		sealfile: ['FROM scratch', 'ADD data /d'],
	},
	{
		title: 'ADD to the root',
		context: {'a.tar.gz': archive('gzip', packed)},
		sealfile: ['FROM scratch', 'ADD a.tar.gz /'],
	},
	{
		title: 'ADD of an archive with chown',
		context: {'a.tar': archive('', packed)},
		sealfile: ['FROM scratch', 'ADD --chown=7:8 a.tar /d/'],
	},
	{
		title: 'ADD of an archive with chmod',
		context: {'a.tar': archive('', packed)},
		sealfile: ['FROM scratch', 'ADD --chmod=711 a.tar /d/'],
	},
	{
		title: 'ADD of an archive over files',
		context: {'old/top/f': file('old\n'), 'old/top/keep': file('keep\n'), 'a.tar': archive('', packed)},
		sealfile: ['FROM scratch', 'COPY old /', 'ADD a.tar /'],
	},
	{
		title: 'ADD of an archive whose file replaces a folder',
		context: {'old/x/y/z': file(), 'a.tar': archive('', {x: file('now a file\n')})},
		sealfile: ['FROM scratch', 'COPY old /', 'ADD a.tar /'],
	},
	{
		title: 'ADD of an archive whose folder replaces a file',
		context: {'old/x': file(), 'a.tar': archive('', {'x/y': file('y\n')})},
		sealfile: ['FROM scratch', 'COPY old /', 'ADD a.tar /'],
	},
	{
		title: 'archives in an added folder stay packed',
		context: {'d/a.tar': archive('', {x: file('x\n')})},
		sealfile: ['FROM scratch', 'ADD d /d/'],
	},
	{
		title: 'a wildcard unpacks every archive it matches',
		context: {'s/a.tar': archive('', {x: file('x\n')}), 's/b.tar.gz': archive('gzip', {y: file('y\n')})},
		sealfile: ['FROM scratch', 'ADD s/*.tar* /d/'],
	},
	{
		title: 'an empty file named as an archive is copied',
		context: {'e.tar.gz': file('')},
		sealfile: ['FROM scratch', 'ADD e.tar.gz /d/'],
	},
	{
		title: 'COPY does not unpack',
		context: {'a.tar.gz': archive('gzip', packed)},
		sealfile: ['FROM scratch', 'COPY a.tar.gz /d/'],
	},
	{
		title: 'ADD of a URL into a folder',
		served: {'/files/data.bin': 'downloaded\n'},
		sealfile: ['FROM scratch', 'ARG BASE', 'ADD $BASE/files/data.bin /d/'],
	},
	{
		title: 'ADD of a URL with a name, a mode and an owner',
		served: {'/f': 'downloaded\n'},
		sealfile: ['FROM scratch', 'ARG BASE', 'ADD --chmod=755 --chown=5:6 $BASE/f /bin/tool'],
	},
	{
		title: 'ADD of a URL that is missing is refused',
		served: {},
		sealfile: ['FROM scratch', 'ARG BASE', 'ADD $BASE/gone /d/'],
		refused: true,
	},
];
