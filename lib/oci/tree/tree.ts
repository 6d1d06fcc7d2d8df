export {applyEntries, applyLayer} from './apply.js';
export {diffTrees, type TreeDiff} from './diff.js';
export {emptyTree, type ImageTree, lookup, resolvePath, type TreeNode, walkTree} from './node.js';
