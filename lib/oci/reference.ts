import {SealError} from '../core/errors.js';
import {type Digest, isDigest} from './digest.js';

/** The name of an image as docker reads it, every default filled in. Tag and digest are both kept when both are given. */
export interface ImageReference {
	/** Host and port as written: `docker.io`, `localhost:5000`, `[::1]:5000`. */
	readonly domain: string;
	/** Repository inside the registry: `library/redis`. */
	readonly path: string;
	readonly tag?: string | undefined;
	readonly digest?: Digest | undefined;
}

/** distribution/reference: the longest repository path. */
const maxPathLength = 255;
/** Above this no reference can be valid; guards the expressions below against long input. */
const maxLength = 1024;

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const domainPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * Reads an image reference with docker's normalisation: no domain means `docker.io`, a single component there means
 * `library/`, and neither tag nor digest means the tag `latest`.
 * @throws SealError ERR_REFERENCE_INVALID
 */
export function parseReference(text: string): ImageReference {
	if (text === '') throw invalid(text, 'it is empty', 'Write it as [host[:port]/]name[:tag][@digest].');
	if (text.length > maxLength) throw invalid(text, 'it is too long');
	if (/^[a-f0-9]{64}$/.test(text)) {
		throw invalid(text, '64 hexadecimal digits alone mean an image id', `Write sha256:${text} to name it by digest.`);
	}
	const [name, digest] = splitDigest(text);
	const {domain, remainder} = splitDomain(name);
	if (!domainPattern.test(domain)) {
		const hint = text.endsWith('/')
			? `Write ${text.replace(/\/+$/, '')}.`
			: 'Write it as [host[:port]/]name[:tag][@digest].';
		throw invalid(text, `"${domain}" is no host name`, hint);
	}
	const colon = remainder.indexOf(':');
	const rawPath = colon === -1 ? remainder : remainder.slice(0, colon);
	const tag = colon === -1 ? undefined : remainder.slice(colon + 1);
	const path = domain === 'docker.io' && !rawPath.includes('/') ? `library/${rawPath}` : rawPath;
	checkPath(text, rawPath, path);
	if (tag !== undefined && !tagPattern.test(tag)) throw invalidTag(text, tag);
	if (digest === undefined) return {domain, path, tag: tag ?? 'latest'};
	return {domain, path, ...(tag === undefined ? {} : {tag}), digest};
}

/** The whole reference as text: `docker.io/library/redis:v7`. The inverse of `parseReference`. */
export function formatReference(reference: ImageReference): string {
	const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
	const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
	return `${repositoryOf(reference)}${tag}${digest}`;
}

/**
 * The form that people write: `docker.io/library/redis:7` is shown as `redis:7`. Text that is no full reference is kept,
 * and so is what would be read as another host when it is shortened (`docker.io/localhost/x`).
 */
export function shortReference(name: string): string {
	const short = name.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '');
	return /^(?:localhost|[^/]*\.[^/]*)\//.test(short) ? name : short;
}

/** Domain and path without tag and digest. */
export function repositoryOf(reference: ImageReference): string {
	return `${reference.domain}/${reference.path}`;
}

/** The full text of a reference, the form in which names are stored. @throws SealError ERR_REFERENCE_INVALID */
export function normalizeReference(text: string): string {
	return formatReference(parseReference(text));
}

function splitDigest(text: string): [string, Digest | undefined] {
	const at = text.indexOf('@');
	if (at === -1) return [text, undefined];
	const digest = text.slice(at + 1);
	if (!isDigest(digest)) {
		throw invalid(
			text,
			`"${digest}" is no digest`,
			'Write it as sha256: followed by 64 lower-case hexadecimal digits.',
		);
	}
	return [text.slice(0, at), digest];
}

/** docker's rule: what stands before the first slash is a host when it looks like one. */
function splitDomain(name: string): {readonly domain: string; readonly remainder: string} {
	const slash = name.indexOf('/');
	const first = name.slice(0, Math.max(0, slash));
	const isHost = slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
	if (!isHost) return {domain: 'docker.io', remainder: name};
	return {domain: first === 'index.docker.io' ? 'docker.io' : first, remainder: name.slice(slash + 1)};
}

function checkPath(text: string, written: string, path: string): void {
	if (written.toLowerCase() !== written && pathPattern.test(path.toLowerCase())) {
		const lower = text.replace(written, written.toLowerCase());
		throw invalid(text, 'the repository name must be lower case', `Write ${lower}.`);
	}
	if (written === '') throw invalid(text, 'the repository name is empty');
	if (!pathPattern.test(path)) {
		throw invalid(
			text,
			`"${written}" is no repository name`,
			/^https?:\/\//i.test(text) ? `Write it without ${text.slice(0, text.indexOf('//') + 2)}.` : undefined,
		);
	}
	if (path.length > maxPathLength) {
		throw invalid(text, `the repository name has ${path.length} characters, ${maxPathLength} are allowed`);
	}
}

function invalidTag(text: string, tag: string): SealError {
	if (tag === '') return invalid(text, 'the tag is empty', `Write ${text.replace(/:(?=@|$)/, '')} or add a tag.`);
	if (tag.length > 128) return invalid(text, `the tag has ${tag.length} characters, 128 are allowed`);
	return invalid(text, `"${tag}" is no tag`, 'Use letters, digits, ".", "_" and "-" only, a letter or digit first.');
}

function invalid(text: string, why: string, hint?: string): SealError {
	const shown = JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}…` : text);
	return new SealError('ERR_REFERENCE_INVALID', `${shown} is no image reference: ${why}`, {hint});
}
