import {SealError} from '../../core/errors.js';
import {redactUrl} from '../../core/http.js';

/** A git repository that ADD names. */
export interface GitRemote {
	/** What is given to git, without fragment and query. */
	readonly url: string;
	/** A branch, tag or commit; the default branch without it. */
	readonly ref?: string | undefined;
	/** A folder in the repository, '' for all of it. */
	readonly subdir: string;
}

/**
 * Reads a git source: `https://host/path.git`, `http://`, `ssh://`, `git://`, `file://` URLs and `git@host:path`, with
 * `#ref:subdir` or `?ref=...&subdir=...`. Undefined when the text is none: an http(s) URL is only when its path ends in
 * `.git`.
 * @throws SealError ERR_GIT for a ref or subdir that cannot be one
 */
export function parseGitUrl(text: string): GitRemote | undefined {
	const form = forms.find(candidate => candidate.test(text));
	if (form === undefined) return undefined;
	const [beforeFragment, fragment = ''] = cut(text, '#');
	const [url, query = ''] = form === scpForm ? [beforeFragment] : cut(beforeFragment, '?');
	const [fragmentRef, fragmentSubdir] = cut(fragment, ':');
	const parameters = new URLSearchParams(query);
	const names = ['ref', 'branch', 'tag', 'subdir'];
	const foreign = [...parameters.keys()].find(key => !names.includes(key));
	if (foreign !== undefined) throw invalid(text, `the query parameter ${JSON.stringify(foreign)} is not known`);
	const refs = [fragmentRef, parameters.get('ref'), parameters.get('branch'), parameters.get('tag')].filter(
		ref => ref !== null && ref !== '',
	);
	if (refs.length > 1) throw invalid(text, 'it names more than one ref');
	const [ref] = refs;
	if (typeof ref === 'string' && !isSafeRef(ref)) throw invalid(text, `${JSON.stringify(ref)} is no ref`);
	const subdir = (fragmentSubdir ?? parameters.get('subdir') ?? '').replace(/^\/+|\/+$/gu, '');
	if (subdir.split('/').includes('..')) throw invalid(text, 'its folder leaves the repository');
	return {url, subdir, ...(typeof ref === 'string' ? {ref} : {})};
}

const scpForm = /^\w[\w.-]*@\w[\w.-]*:(?!\/\/)[^\s#?]+(?:#.*)?$/u;

const forms = [
	/^https?:\/\/[^?#]+\.git(?:[?#].*)?$/u,
	/^(?:ssh|git|file):\/\/[^?#]+(?:[?#].*)?$/u,
	// user@host:path, never a URL with a scheme.
	scpForm,
];

/** A ref starts with nothing that git would take for an option or a refspec. */
function isSafeRef(ref: string): boolean {
	return /^[A-Za-z0-9_][^\s:?*[\\^~]*$/u.test(ref) && !ref.includes('..') && !ref.includes('@{');
}

function cut(text: string, mark: string): [string, string?] {
	const at = text.indexOf(mark);
	return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(text: string, reason: string): SealError {
	return new SealError('ERR_GIT', `${redactUrl(text)} cannot be added: ${reason}`, {
		hint: 'Write the repository as URL.git#ref:folder.',
		details: {url: redactUrl(text)},
	});
}
