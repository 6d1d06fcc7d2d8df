export {type Bytes, collect, formatBytes, oneChunk} from './bytes.js';
export {type ErrorCode, errorCodes} from './codes.js';
export {type ErrorReport, hasCode, isSealError, SealError} from './errors.js';
export type {Abortable, EventListener, Observable, OperationOptions, SealEvent} from './events.js';
