import {posix} from 'node:path';
import {createHttpClient, type HttpClient, type HttpClientOptions} from '../../core/http.js';
import {detectArchive} from '../../oci/tar/spool.js';
import type {FileSource} from '../context/file-source.js';
import {isUsable} from '../copy/place.js';
import {reportEmpty} from '../copy/resolve-copy.js';
import {type Selection, select, selectLiteral} from '../copy/select.js';
import type {CopiedEntry, CopyWarning} from '../copy/types.js';
import {parseChecksum} from './checksum.js';
import {download} from './download.js';
import {checkoutGit} from './git.js';
import {gitSource} from './git-source.js';
import {type GitRemote, parseGitUrl} from './git-url.js';
import {parseHttpUrl} from './redirects.js';
import type {AddInput, AddOptions, AddRequest, CachedDownload} from './types.js';

/** What a source argument of ADD turned out to be. */
export type Part =
	/** Something to copy; `input` when it is known by more than its contents. */
	| {readonly kind: 'selection'; readonly selection: Selection; readonly source: FileSource; readonly input?: AddInput}
	| {
			readonly kind: 'download';
			readonly name: string;
			readonly file: CachedDownload;
			readonly mtime: number;
			readonly input: AddInput;
	  }
	| {readonly kind: 'archive'; readonly title: string; readonly path: string; readonly input: AddInput};

export interface FoundParts {
	readonly parts: readonly Part[];
	readonly warnings: readonly CopyWarning[];
}

/** Looks at every source argument, in order: fetches what is remote, tells archives by their content. */
export async function findParts(request: AddRequest, source: FileSource, options: AddOptions): Promise<FoundParts> {
	const parts: Part[] = [];
	const warnings: CopyWarning[] = [];
	const emptyWildcards: string[] = [];
	for (const text of request.sources) {
		options.signal?.throwIfAborted();
		const remote = parseGitUrl(text);
		if (remote !== undefined) {
			parts.push(await gitPart(remote, text, request, options));
		} else if (/^[a-z][a-z\d+.-]*:\/\//iu.test(text)) {
			parts.push(await urlPart(text, request, options));
		} else {
			for await (const selection of select([text], source, {signal: options.signal, emptyWildcards})) {
				const part = await localPart(selection, source, request, options, warnings);
				if (part !== undefined) parts.push(part);
			}
		}
	}
	const isEmpty = parts.length === 0 && (request.inlineFiles ?? []).length === 0;
	if (isEmpty) warnings.push(...reportEmpty(emptyWildcards, source, options));
	return {parts, warnings};
}

async function localPart(
	selection: Selection,
	source: FileSource,
	request: AddRequest,
	options: AddOptions,
	warnings: CopyWarning[],
): Promise<Part | undefined> {
	const {content, header, identity} = selection.node;
	if (!isUsable(selection.node, source, warnings)) return undefined;
	if (request.unpack === false || content?.kind !== 'file' || content.offset !== undefined) {
		return {kind: 'selection', selection, source};
	}
	if ((await detectArchive(content.path, options)) === undefined) return {kind: 'selection', selection, source};
	const file: CopiedEntry = {header, content, ...(identity === undefined ? {} : {identity})};
	return {kind: 'archive', title: header.path, path: content.path, input: {kind: 'archive', file}};
}

async function urlPart(url: string, request: AddRequest, options: AddOptions): Promise<Part> {
	const {checksum, unpack} = request;
	const target = parseHttpUrl(url);
	const expected = checksum === undefined ? undefined : parseChecksum(checksum);
	const file = await withHttp(options, http =>
		download(url, {...options, http, cache: options.downloadCache, checksum: expected}),
	);
	const mtime = secondsOf(file.lastModified);
	const input: AddInput = {kind: 'url', url, digest: file.digest, mtime};
	const name = nameOf(target);
	const isArchive = unpack === true && file.sizeBytes > 0 && (await detectArchive(file.path, options)) !== undefined;
	return isArchive
		? {kind: 'archive', title: name, path: file.path, input}
		: {kind: 'download', name, file, mtime, input};
}

async function gitPart(remote: GitRemote, text: string, request: AddRequest, options: AddOptions): Promise<Part> {
	const {checksum, keepGitDir} = request;
	const checkout = await checkoutGit(remote, {...options, env: options.gitEnv, checksum});
	const source = gitSource(checkout, `the repository ${remote.url}`, keepGitDir === true);
	const input: AddInput = {kind: 'git', url: remote.url, commit: checkout.commit, subdir: remote.subdir};
	return {kind: 'selection', selection: selectLiteral(remote.subdir, text, source), source, input};
}

async function withHttp<R>(options: AddOptions, work: (http: HttpClient) => Promise<R>): Promise<R> {
	if (options.http !== undefined) return work(options.http);
	const http = createHttpClient({proxy: proxyOf(options.proxies ?? {}), caFiles: options.caFiles});
	try {
		return await work(http);
	} finally {
		await http.close();
	}
}

function proxyOf(proxies: Readonly<Record<string, string>>): HttpClientOptions['proxy'] {
	const value = (name: string): string | undefined => proxies[name] ?? proxies[name.toUpperCase()];
	const [http, https] = [value('http_proxy'), value('https_proxy')];
	return http === undefined && https === undefined ? undefined : {http, https, except: value('no_proxy')};
}

/** The last component of the path, as BuildKit takes it; the name of a place that gives none is `__unnamed__`. */
function nameOf(url: URL): string {
	let path = url.pathname;
	try {
		path = decodeURIComponent(path);
	} catch {
		// A bare percent sign stays one.
	}
	const name = posix.basename(path);
	return name === '' || name === '.' || name === '..' || name.includes('\0') ? '__unnamed__' : name;
}

function secondsOf(httpDate: string | undefined): number {
	const ms = httpDate === undefined ? Number.NaN : Date.parse(httpDate);
	return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}
