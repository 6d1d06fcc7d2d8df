export {planAdd} from './add/plan-add.js';
export type * from './add/types.js';
export type * from './context/file-source.js';
export {findIgnoreRules, type IgnoreRules} from './context/ignore.js';
export {type ContextOptions, openContext} from './context/open-context.js';
export {treeSource} from './context/tree-source.js';
export {resolveCopy} from './copy/resolve-copy.js';
export type * from './copy/types.js';
