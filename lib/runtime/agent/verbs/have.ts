import type {BlobQuery, BlobState} from '../../content/content.js';
import {openHostContent} from '../../content/open.js';
import {digestIn, fieldsOf, listIn, numberIn} from '../params.js';
import type {AgentVerb} from '../protocol.js';

/** More blobs than this no run brings. */
const maxBlobs = 100_000;
const maxParts = 65_536;

export interface HaveParams {
	readonly blobs: readonly BlobQuery[];
}

export interface HaveResult {
	readonly blobs: readonly BlobState[];
	/** What the disk takes before content is refused. */
	readonly freeBytes: number;
}

/** Tells which blobs are on this host, whole or in part, and how much more it takes. */
export const have: AgentVerb<HaveParams, HaveResult> = {
	name: 'have',
	parse: params => ({blobs: listIn(fieldsOf(params, 'params'), 'blobs', maxBlobs, parseQuery)}),
	async run({blobs}, {root, signal}) {
		const content = openHostContent(root);
		return {blobs: await content.have(blobs, {signal}), freeBytes: await content.freeBytes()};
	},
};

function parseQuery(value: unknown): BlobQuery {
	const fields = fieldsOf(value, 'blobs');
	const query = {blob: digestIn(fields, 'blob'), partCount: numberIn(fields, 'partCount', maxParts)};
	return fields.diffId === undefined ? query : {...query, diffId: digestIn(fields, 'diffId')};
}
