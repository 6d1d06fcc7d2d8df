import {SealError} from '../../core/errors.js';
import type {FileSource} from './file-source.js';
import type {IgnoreRules} from './ignore.js';

export interface ContextOptions {
	readonly ignore?: IgnoreRules | undefined;
	/** Read `user.*` attributes and file capabilities (one run of `getfattr`). Default false. */
	readonly xattrs?: boolean | undefined;
	/** For messages. Default "the build context". */
	readonly title?: string | undefined;
}

/**
 * A folder on disk as a source.
 * @throws SealError ERR_CONTEXT when it is missing or no folder
 */
export function openContext(dir: string, _options: ContextOptions = {}): FileSource {
	throw new SealError('ERR_CONTEXT', `The build context ${dir} cannot be read`);
}
