import {compareNames} from '../../core/name.js';
import {type ImageTree, lookup, type TreeNode} from '../../oci/tree/tree.js';
import type {FileSource, SourceNode} from './file-source.js';

/** The tree of a stage or image as a source: owners, devices and extended attributes are kept. */
export function treeSource(tree: ImageTree, title: string): FileSource {
	return {
		title,
		keepsOwners: true,
		lookup: path => toSource(lookup(tree, path)),
		list(path) {
			const children = lookup(tree, path)?.children;
			if (children === undefined) return [];
			return [...children.values()]
				.map(node => toSource(node)!)
				.sort((a, b) => compareNames(a.header.path, b.header.path));
		},
		excludes: () => false,
	};
}

/** Names of one file share the content object. */
function toSource(node: TreeNode | undefined): SourceNode | undefined {
	if (node === undefined) return undefined;
	if (node.content === undefined) return {header: node.header};
	return {header: node.header, content: node.content, linkKey: node.content};
}
