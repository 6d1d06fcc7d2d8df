export {type DownloadOptions, type DownloadReport, downloadFile} from './download-file.js';
export {type UploadOptions, type UploadReport, type UploadSource, uploadFile} from './upload-file.js';
