export {build} from './build.js';
export * from './core/index.js';
export type {CopyOptions} from './oci/index.js';
export * from './oci/index.js';
export * from './registry/index.js';
export * from './runtime/index.js';
export * from './sealfile/index.js';
