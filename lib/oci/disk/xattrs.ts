import {spawn} from 'node:child_process';
import {type Abortable, emit, type OperationOptions} from '../../core/events.js';
import {decodeName, encodeName} from '../../core/name.js';
import {isPortableXattr, portableXattrs} from '../layer/xattrs.js';

export type Xattrs = Readonly<Record<string, Uint8Array>>;
export type XattrList = {readonly path: string; readonly xattrs: Xattrs}[];

/**
 * Sets extended attributes below `root` with setfattr(1): Node has no call for them. What cannot be set (no program, a
 * file system without them, attributes that only root may set) is reported in one warning.
 */
export async function writeXattrs(root: string, list: XattrList, options: OperationOptions): Promise<void> {
	const wanted = list.flatMap(({path, xattrs}) => {
		const kept = portableXattrs(xattrs);
		return kept === undefined ? [] : [{path, xattrs: kept}];
	});
	if (wanted.length === 0) return;
	const {code, stderr} = await pipe('setfattr', ['-h', '--restore=-'], root, wanted.map(dump));
	if (code === 0) return;
	emit(options, {
		type: 'warning',
		code: 'XattrsSkipped',
		message:
			code === undefined
				? `Extended attributes of ${wanted.length} files are not set: there is no setfattr`
				: `Some extended attributes of ${wanted.length} files are not set: ${stderr.split('\n')[0]}`,
		...(code === undefined ? {hint: 'Install the package "attr".'} : {}),
	});
}

/** The attributes that layers carry, of those files below `root` that have some. Empty when there is no getfattr. */
export async function readXattrs(root: string, paths: readonly string[]): Promise<Map<string, Xattrs>> {
	const found = new Map<string, Xattrs>();
	for (let at = 0; at < paths.length; ) {
		const args: string[] = [];
		// Well below the smallest limit on the size of an argument list (128 KiB).
		for (let size = 0; at < paths.length && size < 65_536; at++) {
			const path = paths[at] === '' ? '.' : `./${paths[at]}`;
			size += path.length * 3 + 1;
			// Names that are not UTF-8 cannot be put into an argument.
			if (!/[\ud800-\udfff]/.test(path)) args.push(path);
		}
		const {code, stdout} = await pipe('getfattr', ['-h', '-d', '-m', '-', '-e', 'base64', '--', ...args], root, []);
		if (code === undefined) return found;
		for (const block of stdout.toString('latin1').split('\n\n')) parse(block, found);
	}
	return found;
}

/**
 * The attributes that layers carry of everything below `root`, by path, in one run of the program. Empty when there is no
 * getfattr.
 */
export async function readXattrsBelow(root: string, options: Abortable = {}): Promise<Map<string, Xattrs>> {
	const found = new Map<string, Xattrs>();
	options.signal?.throwIfAborted();
	const args = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'base64', '--', '.'];
	const {stdout} = await pipe('getfattr', args, root, [], options);
	options.signal?.throwIfAborted();
	for (const block of stdout.toString('latin1').split('\n\n')) parse(block, found);
	return found;
}

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
		if (isPortableXattr(key) && !key.startsWith('system.'))
			xattrs[key] = Buffer.from(value.startsWith('0s') ? value.slice(2) : '', 'base64');
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
