import type {Digest} from '../../oci/digest.js';
import type {HostContent} from '../content/content.js';
import {openHostContent} from '../content/open.js';
import type {BlobParts} from '../content/part.js';
import type {Relay} from './server.js';

/** What the verbs of distribution share within one session of an agent. */
export interface RelaySession {
	/** The blobs that this host is to have, as the operator announced them. */
	readonly expected: Map<Digest, BlobParts>;
	/** The blobs that it may give to others. */
	readonly gives: Set<string>;
	relay: Relay | undefined;
	content: HostContent | undefined;
}

const sessions = new WeakMap<object, RelaySession>();

/** @param session `AgentContext.session` */
export function relaySession(session: object): RelaySession {
	const found = sessions.get(session) ?? {expected: new Map(), gives: new Set(), relay: undefined, content: undefined};
	sessions.set(session, found);
	return found;
}

/** The content of this host, opened once for a session. */
export function sessionContent(session: object, root: string): HostContent {
	const shared = relaySession(session);
	shared.content ??= openHostContent(root);
	return shared.content;
}
