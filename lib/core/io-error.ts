import {isSealError, SealError, systemCode} from './errors.js';

/**
 * The error of a failed file operation in our terms: what was being done, on which path, and what to do about it.
 * Errors of ours pass through, as does everything that is no system error (an abort's reason, a defect).
 * @param doing an infinitive that fits after "Cannot": "write", "rename", "open the store at"
 */
export function ioError(error: unknown, doing: string, path: string): unknown {
	const code = systemCode(error);
	if (isSealError(error) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
	const {kind, why, hint} = explain(code);
	return new SealError(kind, `Cannot ${doing} ${path}: ${why}`, {
		hint,
		details: {path, systemCode: code},
		cause: error,
	});
}

/** Runs file operations and rejects with `ioError` of what they throw. */
export async function withIo<R>(doing: string, path: string, work: () => Promise<R>): Promise<R> {
	try {
		return await work();
	} catch (error) {
		throw ioError(error, doing, path);
	}
}

/** The value of `work`, or undefined when the file does not exist. */
export async function ifExists<R>(work: () => Promise<R>): Promise<R | undefined> {
	try {
		return await work();
	} catch (error) {
		if (systemCode(error) === 'ENOENT') return undefined;
		throw error;
	}
}

interface Explanation {
	readonly kind: 'ERR_NO_SPACE' | 'ERR_PERMISSION' | 'ERR_READ_ONLY' | 'ERR_IO';
	readonly why: string;
	readonly hint?: string;
}

const noSpace = {kind: 'ERR_NO_SPACE'} as const;
const permission = {kind: 'ERR_PERMISSION'} as const;
const io = {kind: 'ERR_IO'} as const;

const explanations: Readonly<Record<string, Explanation>> = {
	ENOSPC: {
		...noSpace,
		why: 'the disk is full',
		hint: 'Free space on that file system, or choose a folder on another one.',
	},
	EDQUOT: {
		...noSpace,
		why: 'the disk quota is used up',
		hint: 'Free space, or choose a folder on another file system.',
	},
	EFBIG: {
		...noSpace,
		why: 'the file system does not take files this large',
		hint: 'Choose a folder on another file system.',
	},
	EACCES: {
		...permission,
		why: 'permission denied',
		hint: 'Check the owner and mode of the path and of the folders above it.',
	},
	EPERM: {...permission, why: 'the operation is not permitted', hint: 'Check the owner and flags of the path.'},
	EROFS: {
		kind: 'ERR_READ_ONLY',
		why: 'the file system is read-only',
		hint: 'Look into the kernel log (dmesg) for disk errors, or choose a folder on another file system.',
	},
	ENOENT: {...io, why: 'it does not exist', hint: 'Check the path.'},
	ENOTDIR: {...io, why: 'a part of the path is not a folder', hint: 'Check the path.'},
	EISDIR: {...io, why: 'it is a folder', hint: 'Name a file.'},
	EEXIST: {...io, why: 'it exists already'},
	ENOTEMPTY: {...io, why: 'the folder is not empty'},
	ELOOP: {...io, why: 'too many symbolic links', hint: 'Check the links on the path.'},
	ENAMETOOLONG: {...io, why: 'the name is too long'},
	EMFILE: {...io, why: 'too many open files', hint: 'Raise the limit with "ulimit -n".'},
	ENFILE: {...io, why: 'too many open files on this machine'},
	EXDEV: {...io, why: 'it is on another file system'},
	EIO: {...io, why: 'the device reports an error', hint: "Check the disk's health and the kernel log."},
	ESTALE: {...io, why: 'the network file system lost it', hint: 'Mount the file system again.'},
};

function explain(code: string): Explanation {
	return explanations[code] ?? {...io, why: code};
}
