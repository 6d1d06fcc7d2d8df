import type {OperationOptions} from '../../core/events.js';
import type {AccessPolicy} from './access/policy.js';

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
	/** A sentence that every client shows to its user (the header `Warning: 299`). */
	readonly notice?: string | undefined;
}

/** A server that listens. */
export interface RegistryServer {
	/** Where it listens, as the operating system tells it. */
	readonly address: {readonly host: string; readonly port: number};
	/** `http://127.0.0.1:5000`: what clients reach it under on this machine. */
	readonly url: string;
	/** Takes no new connections, lets requests in flight end, and resolves when all are gone. The storage stays open. */
	close(): Promise<void>;
}
