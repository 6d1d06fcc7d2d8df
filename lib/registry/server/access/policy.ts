import type {Abortable} from '../../../core/events.js';

/** What a request wants to do. `catalog` is the list of all repositories; `ping` is `GET /v2/`. */
export type Action = 'pull' | 'push' | 'delete' | 'catalog' | 'ping';

export interface AccessRequest extends Abortable {
	/** The Authorization header as it came. */
	readonly authorization: string | undefined;
	/** Undefined for `catalog` and `ping`. */
	readonly repository?: string | undefined;
	readonly actions: readonly Action[];
	/** Scheme and host under which the client reached us, `https://registry.example:5000`: the realm of a challenge lies there. */
	readonly origin?: string | undefined;
}

export type AccessAnswer =
	| {
			readonly allowed: true;
			/** For the access log; undefined for anonymous access. */
			readonly user?: string | undefined;
	  }
	| {
			readonly allowed: false;
			/** 401 asks for (other) credentials, 403 says that these will never do, 429 that too many ask at once. */
			readonly status: 401 | 403 | 429;
			/** The value of WWW-Authenticate, with a 401. */
			readonly challenge?: string | undefined;
			readonly user?: string | undefined;
			readonly message: string;
	  };

/** Who may do what. The server asks it once for each request, and once for each further repository that a mount reads. */
export interface AccessPolicy {
	check(request: AccessRequest): Promise<AccessAnswer>;
	/** Hands out tokens at `/token`, when the challenges of this policy send clients there. */
	readonly tokens?: TokenServer | undefined;
	/** Ends the threads of the policy. */
	close?(): Promise<void>;
}

/** A token server (distribution, "Token Authentication Specification" and "OAuth2 Token Authentication"). */
export interface TokenServer {
	issue(request: TokenRequest): Promise<TokenAnswer>;
}

export interface TokenRequest extends Abortable {
	/** The Authorization header of a GET. */
	readonly authorization: string | undefined;
	/** The query of a GET, the form of a POST. */
	readonly parameters: URLSearchParams;
	readonly method: 'GET' | 'POST';
}

export interface TokenAnswer {
	readonly status: 200 | 400 | 401 | 429;
	readonly headers?: Readonly<Record<string, string>> | undefined;
	/** To be sent as JSON. */
	readonly body: object;
	/** For the access log. */
	readonly user?: string | undefined;
}

/** Everyone may do everything: for loopback and for tests. */
export const openToAll: AccessPolicy = {check: async () => ({allowed: true})};
