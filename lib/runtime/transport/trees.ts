export {type DownloadTreeOptions, downloadTree} from './download-tree.js';
export {type TreeReport, type UploadTreeOptions, uploadTree} from './upload-tree.js';
