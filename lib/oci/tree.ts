export {applyEntries, applyLayer} from './tree-apply.js';
export {diffTrees, type TreeDiff} from './tree-diff.js';
export {emptyTree, type ImageTree, lookup, resolvePath, type TreeNode, walkTree} from './tree-node.js';
