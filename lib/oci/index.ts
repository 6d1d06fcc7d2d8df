export type {ArchivedImage, ImageArchive} from './archive/archive.js';
export {type LayoutDir, type LayoutDirOptions, openLayoutDir} from './archive/layout-dir.js';
export {type ArchiveOptions, openArchive, openDockerArchive, openOciArchive} from './archive/open.js';
export {type ArchiveItem, type WriteArchiveOptions, writeDockerArchive, writeOciArchive} from './archive/write.js';
export {type ArchiveFormat, writeArchiveFile} from './archive/write-file.js';
export {type Compression, defaultCompression, formatCompression, parseCompression} from './compress/compression.js';
export {type HistoryEntry, type ImageConfig, parseConfig, type RunConfig} from './config.js';
export type * from './content.js';
export {ContentError} from './content-error.js';
export {type CopyOptions, copy, copyContent} from './copy.js';
export {type Descriptor, describe} from './descriptor.js';
export {type Digest, digestOf, parseDigest} from './digest.js';
export {type UnpackOptions, type UnpackReport, unpackTree} from './disk/unpack.js';
export type * from './entry.js';
export {type Image, type ImageFacts, imageFacts, listManifests, loadImage, resolvePlatform} from './image.js';
export {
	type ClusterImageFacts,
	type ClusterImageType,
	type HookName,
	type LabelWarning,
	readImageFacts,
} from './image-type.js';
export {addToIndex, annotateIndex, annotateWholeIndex, createIndex, removeFromIndex} from './index-edit.js';
export {type ContentOptions, locateContents, readContents, streamContents} from './layer/content.js';
export type {IndexedEntry, LayerIndex} from './layer/layer-index.js';
export {indexLayer, readLayer} from './layer/read.js';
export {opaque, type WriteLayerOptions, type WrittenLayer, whiteout, writeLayer} from './layer/write.js';
export {type ImageIndex, type ImageManifest, isIndex, parseManifest} from './manifest.js';
export {mediaTypes} from './media-types.js';
export {formatPlatform, hostPlatform, type Platform, parsePlatform, selectPlatform} from './platform.js';
export {
	formatReference,
	type ImageReference,
	normalizeReference,
	parseReference,
	shortReference,
} from './reference.js';
export {type Collected, type CollectOptions, collectGarbage} from './store/gc.js';
export {openStore, type Store, type StoredImage, type StoreOptions} from './store/store.js';
export {type BlobCount, createTally, type Tally, type TallyCounter} from './tally.js';
export {type TreeFile, type TreeFileBytes, type TreeFiles, treeFiles} from './tree/files.js';
export {
	applyLayer,
	diffTrees,
	emptyTree,
	type ImageTree,
	lookup,
	resolvePath,
	type TreeDiff,
	type TreeNode,
	walkTree,
} from './tree/tree.js';
export {type Finding, type Verification, type VerifyOptions, verifyImage} from './validate.js';
