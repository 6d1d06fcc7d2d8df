import type {Writable} from 'node:stream';
import type {OperationOptions} from '../../core/events.js';
import type {AccessPolicy} from './access/policy.js';
import type {ServerLimits} from './limits.js';
import type {TlsFiles} from './tls.js';

export interface ServeOptions extends OperationOptions {
	/** A host name or address to listen on. Default: 127.0.0.1. */
	readonly host?: string | undefined;
	/** Default: 5000. 0 takes any free one. */
	readonly port?: number | undefined;
	/** Who may do what. Default: everyone everything, which is refused for addresses beyond loopback. */
	readonly access?: AccessPolicy | undefined;
	/** Answers every write with 405. Default: false. */
	readonly readOnly?: boolean | undefined;
	/** Whether manifests, tags and blobs may be deleted. Default: true. */
	readonly deletes?: boolean | undefined;
	/**
	 * Takes an index although some of its images are not here, as a copy of one platform leaves it. Default: false, as in
	 * docker's registry.
	 */
	readonly sparseIndexes?: boolean | undefined;
	/** Uploads that nobody touched for so long are removed. Default: seven days. */
	readonly uploadIdleMs?: number | undefined;
	/** A sentence that every client shows to its user (the header `Warning: 299`). */
	readonly notice?: string | undefined;
	/** Certificate and key. Default: plain HTTP. Looked at every `tlsCheckMs`. */
	readonly tls?: TlsFiles | undefined;
	/** How often the files of `tls` are looked at. Default 5 s. */
	readonly tlsCheckMs?: number | undefined;
	readonly limits?: ServerLimits | undefined;
	/** Gets a line of JSON for each request that is over. The caller opens and closes it. */
	readonly accessLog?: Writable | undefined;
	/** Whether `/metrics` is there: for this machine, and for others with credentials. Default: false. */
	readonly metrics?: boolean | undefined;
	/** How long requests may go on after `close` was called. Default 30 s. */
	readonly stopMs?: number | undefined;
}

/** A server that listens. */
export interface RegistryServer {
	/** Where it listens, as the operating system tells it. */
	readonly address: {readonly host: string; readonly port: number};
	/** `http://127.0.0.1:5000`: what clients reach it under on this machine. */
	readonly url: string;
	/**
	 * Takes no new connections, lets requests in flight end for `stopMs`, then cuts them; resolves when all are gone. The storage
	 * stays open.
	 */
	close(): Promise<void>;
}
