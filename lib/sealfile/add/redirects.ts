import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {type HttpClient, type HttpResponse, redactUrl} from '../../core/http.js';

const limitRedirects = 10;

/**
 * A GET that follows redirects. A login in the URL stays with the host it was given for; https never turns into http.
 * @throws SealError ERR_DOWNLOAD for a redirect that is not followed, ERR_NETWORK
 */
export async function followRedirects(
	http: HttpClient,
	url: string,
	headers: Readonly<Record<string, string>>,
	options: Abortable,
): Promise<HttpResponse> {
	let target = parseHttpUrl(url);
	for (let redirects = 0; ; redirects++) {
		const response = await http.request(target, {headers, signal: options.signal});
		const location = [301, 302, 303, 307, 308].includes(response.status) ? response.header('location') : undefined;
		if (location === undefined) return response;
		await response.discard();
		if (redirects === limitRedirects) throw refused(url, `redirects more than ${limitRedirects} times`);
		if (!URL.canParse(location, target.href))
			throw refused(url, `redirects to ${JSON.stringify(location)}, which is no URL`);
		const next = new URL(location, target);
		if (next.protocol !== 'https:' && (next.protocol !== 'http:' || target.protocol === 'https:')) {
			throw refused(url, `redirects to ${redactUrl(next)}, which is less safe`);
		}
		if (next.origin === target.origin && next.username === '') {
			next.username = target.username;
			next.password = target.password;
		}
		target = next;
	}
}

/** @throws SealError ERR_DOWNLOAD when it is no http or https URL */
export function parseHttpUrl(text: string): URL {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
	throw new SealError('ERR_DOWNLOAD', `${JSON.stringify(redactUrl(text))} is no http or https URL`, {
		hint: 'Check the spelling.',
	});
}

function refused(url: string, reason: string): SealError {
	return new SealError('ERR_DOWNLOAD', `${redactUrl(url)} ${reason}`, {
		hint: 'Name the final URL in the Sealfile.',
		details: {url: redactUrl(url)},
	});
}
