import {spawn} from 'node:child_process';
import {type Abortable, emit, type OperationOptions} from '../../core/events.js';
import {decodeName, encodeName} from '../../core/name.js';
import {isPortableXattr, portableXattrs} from '../layer/xattrs.js';
import {readXattrsNatively, setXattrsNatively} from './native-xattrs.js';

export type Xattrs = Readonly<Record<string, Uint8Array>>;
export type XattrList = {readonly path: string; readonly xattrs: Xattrs}[];

/**
 * Sets extended attributes below `root`: Node has no call for them, so setfattr(1) does it, or the C library where that is not
 * installed. What cannot be set (a file system without them, attributes that only root may set) is reported in one warning.
 */
export async function writeXattrs(root: string, list: XattrList, options: OperationOptions): Promise<void> {
	const wanted = list.flatMap(({path, xattrs}) => {
		const kept = portableXattrs(xattrs);
		return kept === undefined ? [] : [{path, xattrs: kept}];
	});
	if (wanted.length === 0) return;
	const {code, stderr} = await pipe('setfattr', ['-h', '--restore=-'], root, wanted.map(dump));
	if (code === 0) return;
	const natively = code === undefined ? await setXattrsNatively(root, wanted) : undefined;
	if (natively?.failed === 0) return;
	const why = natively === undefined ? stderr.split('\n')[0] : `error ${natively.errno} of lsetxattr`;
	const isMissing = code === undefined && natively === undefined;
	emit(options, {
		type: 'warning',
		code: 'XattrsSkipped',
		message: isMissing
			? `Extended attributes of ${wanted.length} files are not set: there is no setfattr`
			: `Some extended attributes of ${wanted.length} files are not set: ${why}`,
		...(isMissing ? {hint: 'Install the package "attr".'} : {}),
	});
}

export interface FoundXattrs {
	/** The attributes that layers carry, by path; files without any are not in it. */
	readonly xattrs: ReadonlyMap<string, Xattrs>;
	/** False when some could not be read: then it is not known whether there are more. */
	readonly complete: boolean;
}

/** Far below the limit on the size of an argument list, which no Linux sets under 128 KiB. */
const maxArgumentBytes = 96 * 1024;

/**
 * Reads the attributes of files below `root`: through the C library, or with getfattr(1) where its functions cannot be called. Without
 * both nothing is known.
 */
export async function readXattrs(
	root: string,
	paths: readonly string[],
	options: Abortable = {},
): Promise<FoundXattrs> {
	return (await readXattrsNatively(root, paths, isCarried, options)) ?? (await readByProgram(root, paths, options));
}

/** Access lists name users of this machine. */
function isCarried(name: string): boolean {
	return isPortableXattr(name) && !name.startsWith('system.');
}

/** As `readXattrs`, with getfattr(1). */
export async function readByProgram(
	root: string,
	paths: readonly string[],
	options: Abortable = {},
): Promise<FoundXattrs> {
	const xattrs = new Map<string, Xattrs>();
	for (let at = 0; at < paths.length; ) {
		options.signal?.throwIfAborted();
		const args: string[] = [];
		for (let sizeBytes = 0; at < paths.length && sizeBytes < maxArgumentBytes; at++) {
			const path = paths[at] === '' ? '.' : `./${paths[at]}`;
			sizeBytes += Buffer.byteLength(path) + 1 + pointerBytes;
			// Names that are not UTF-8 cannot be put into an argument.
			if (!/[\ud800-\udfff]/u.test(path)) args.push(path);
		}
		const {code, stdout} = await pipe(
			'getfattr',
			['-h', '-d', '-m', '-', '-e', 'base64', '--', ...args],
			root,
			[],
			options,
		);
		options.signal?.throwIfAborted();
		if (code === undefined) return {xattrs, complete: false};
		for (const block of stdout.toString('latin1').split('\n\n')) parse(block, xattrs);
	}
	return {xattrs, complete: true};
}

/** The kernel counts the pointer to each argument, too. */
const pointerBytes = 8;

function parse(block: string, found: Map<string, Xattrs>): void {
	const lines = block.split('\n').filter(line => line !== '');
	const name = lines.shift();
	if (name === undefined || !name.startsWith('# file: ')) return;
	const path = decodeName(Buffer.from(unquote(name.slice('# file: '.length)), 'latin1')).replace(/^\.\/?/, '');
	const xattrs: Record<string, Uint8Array> = {};
	for (const line of lines) {
		const at = line.indexOf('=');
		const key = decodeName(Buffer.from(unquote(at < 0 ? line : line.slice(0, at)), 'latin1'));
		const value = at < 0 ? '' : line.slice(at + 1);
		if (isCarried(key)) xattrs[key] = Buffer.from(value.startsWith('0s') ? value.slice(2) : '', 'base64');
	}
	if (Object.keys(xattrs).length > 0) found.set(path, xattrs);
}

function dump({path, xattrs}: XattrList[number]): string {
	const lines = Object.entries(xattrs).map(
		([key, value]) => `${quote(key)}=0s${Buffer.from(value).toString('base64')}\n`,
	);
	return `# file: ${quote(path === '' ? '.' : path)}\n${lines.join('')}\n`;
}

/** attr's form: a backslash and three octal digits for every byte that could mean something. */
function quote(text: string): string {
	return encodeName(text)
		.toString('latin1')
		.replaceAll(/[^A-Za-z0-9_./-]/g, byte => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unquote(text: string): string {
	return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

interface Piped {
	/** Undefined when the program is not there. */
	readonly code: number | undefined;
	readonly stdout: Buffer;
	readonly stderr: string;
}

async function pipe(
	program: string,
	args: readonly string[],
	cwd: string,
	input: readonly string[],
	{signal}: Abortable = {},
): Promise<Piped> {
	return await new Promise(resolve => {
		const child = spawn(program, args, {cwd, stdio: 'pipe', ...(signal === undefined ? {} : {signal})});
		const stdout: Buffer[] = [];
		let stderr = '';
		child.on('error', () => resolve({code: undefined, stdout: Buffer.alloc(0), stderr}));
		child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
		child.stderr.on('data', (chunk: Buffer) => {
			stderr = (stderr + chunk.toString()).slice(0, 4096);
		});
		child.stdin.on('error', () => undefined);
		child.on('close', code => resolve({code: code ?? -1, stdout: Buffer.concat(stdout), stderr}));
		child.stdin.end(input.join(''));
	});
}
