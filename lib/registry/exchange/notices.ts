import {emit, type Observable} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import {parseRateLimit} from './rate-limit.js';
import type {Transport} from './transport.js';

/**
 * A transport that tells what registries say beside the matter: how much more they give (`registry.limit`, when it changes)
 * and their warnings (distribution-spec, "Warnings"), each once.
 */
export function withNotices(transport: Transport, options: Observable): Transport {
	const limits = new Map<string, string>();
	const said = new Set<string>();
	return {
		...transport,
		async send(request, operation) {
			const response = await transport.send(request, operation);
			if (options.onEvent === undefined) return response;
			const {host} = request;
			const limit = parseRateLimit(response);
			if (limit !== undefined && limits.get(host) !== JSON.stringify(limit)) {
				limits.set(host, JSON.stringify(limit));
				emit(options, {type: 'registry.limit', host, ...limit});
			}
			for (const text of warningsOf(response)) {
				const message = `${host} says: ${text}`;
				if (said.has(message) || said.size >= maxWarnings) continue;
				said.add(message);
				emit(options, {type: 'warning', code: 'RegistrySays', message});
			}
			return response;
		},
	};
}

/** Of one run; a registry that has more to say than this is not listened to. */
const maxWarnings = 100;
/** The specification's limit for all warnings of one answer. */
const maxHeaderLength = 4096;

/** The texts of `Warning: 299 - "text"`; other kinds are about caches. Without control characters: they go to a terminal. */
function warningsOf(response: HttpResponse): readonly string[] {
	const header = response.header('warning')?.slice(0, maxHeaderLength) ?? '';
	return [...header.matchAll(/(?:^|,)\s*299 \S+ "((?:[^"\\]|\\.)*)"/g)]
		.map(([, text = '']) =>
			text
				.replace(/\\(.)/g, '$1')
				.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
				.trim(),
		)
		.filter(text => text !== '');
}
