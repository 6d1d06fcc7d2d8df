import type {FileSource, SourceNode} from '../context/file-source.js';
import {openContext} from '../context/open-context.js';
import type {GitCheckout} from './git.js';

/**
 * A checked out commit as a source. Git knows whether a file can be run and nothing else: the modes that the umask of
 * this machine left, and the times of the checkout, do not get into the image.
 */
export function gitSource(checkout: GitCheckout, title: string, keepGitDir: boolean): FileSource {
	const ignore = keepGitDir ? undefined : {patterns: ['**/.git'], files: []};
	const source = openContext(checkout.dir, {ignore, title});
	const asCommitted = (node: SourceNode): SourceNode => {
		const {type, mode} = node.header;
		const fileMode = type === 'symlink' ? mode : type === 'directory' || (mode & 0o100) !== 0 ? 0o755 : 0o644;
		return {...node, header: {...node.header, mode: fileMode, mtime: checkout.mtime}};
	};
	return {
		...source,
		lookup(path) {
			const node = source.lookup(path);
			return node === undefined ? undefined : asCommitted(node);
		},
		list: path => source.list(path).map(asCommitted),
	};
}
