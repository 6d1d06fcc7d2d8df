import type {Action} from './access/policy.js';
import type {Answer} from './answer.js';
import {jsonAnswer} from './answer.js';
import {deleteBlob, getBlob} from './blobs.js';
import type {Exchange} from './exchange.js';
import {listRepositories, listTags} from './lists.js';
import {deleteManifest, getManifest, putManifest} from './manifests.js';
import {listReferrers} from './referrers.js';
import {refuse} from './refusal.js';
import type {Route, RouteKind, RouteOf} from './route.js';
import {appendChunk, cancelUpload, finishUpload, startUpload, uploadStatus} from './uploads.js';

/** What one method does on one kind of path. */
export interface Endpoint<K extends RouteKind = RouteKind> {
	/** What the access policy is asked. */
	readonly actions: readonly Action[];
	/** What a server that does not allow it answers with 405. */
	readonly kind: 'read' | 'write' | 'delete';
	handle(exchange: Exchange, route: RouteOf<K>): Promise<Answer>;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
type Endpoints = {readonly [K in RouteKind]: {readonly [M in Method]?: Endpoint<K>}};

/** The whole interface (distribution-spec, "Endpoints"). HEAD is wherever GET is. */
const endpoints: Endpoints = {
	ping: {GET: {actions: ['ping'], kind: 'read', handle: async () => jsonAnswer(200, {})}},
	catalog: {GET: {actions: ['catalog'], kind: 'read', handle: listRepositories}},
	tags: {GET: {actions: ['pull'], kind: 'read', handle: listTags}},
	referrers: {GET: {actions: ['pull'], kind: 'read', handle: listReferrers}},
	blob: {
		GET: {actions: ['pull'], kind: 'read', handle: getBlob},
		DELETE: {actions: ['delete'], kind: 'delete', handle: deleteBlob},
	},
	manifest: {
		GET: {actions: ['pull'], kind: 'read', handle: getManifest},
		PUT: {actions: ['push'], kind: 'write', handle: putManifest},
		DELETE: {actions: ['delete'], kind: 'delete', handle: deleteManifest},
	},
	uploads: {POST: {actions: ['push'], kind: 'write', handle: startUpload}},
	upload: {
		GET: {actions: ['push'], kind: 'write', handle: uploadStatus},
		PATCH: {actions: ['push'], kind: 'write', handle: appendChunk},
		PUT: {actions: ['push'], kind: 'write', handle: finishUpload},
		DELETE: {actions: ['push'], kind: 'write', handle: cancelUpload},
	},
};

/** @throws Refusal UNSUPPORTED with the methods that there are */
export function endpointFor(exchange: Exchange, route: Route): Endpoint {
	const {method} = exchange;
	const {readOnly = false, deletes = true} = exchange.parts.options;
	const isAllowed = ({kind}: Endpoint): boolean => kind === 'read' || (!readOnly && (deletes || kind !== 'delete'));
	const known = Object.entries(endpoints[route.kind]) as unknown as ReadonlyArray<readonly [Method, Endpoint]>;
	const found = known.find(([name]) => name === (method === 'HEAD' ? 'GET' : method))?.[1];
	if (found !== undefined && isAllowed(found)) return found;
	const allow = known
		.filter(([, endpoint]) => isAllowed(endpoint))
		.flatMap(([name]) => (name === 'GET' ? ['GET', 'HEAD'] : [name]))
		.join(', ');
	const message =
		found === undefined ? `${method} means nothing here` : `This registry does not allow to ${found.kind}`;
	throw refuse('UNSUPPORTED', message, {headers: {allow}});
}
