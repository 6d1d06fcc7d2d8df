import {spawn} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError, systemCode} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {redactUrl} from '../../core/http.js';
import {withIo} from '../../core/io-error.js';
import type {GitRemote} from './git-url.js';

export interface GitOptions extends OperationOptions {
	readonly scratchDir: string;
	/** Default `git`. */
	readonly gitBinary?: string | undefined;
	/** The commit must start with this. */
	readonly checksum?: string | undefined;
	/** What git is run with; PATH, HOME and the SSH agent matter to it. Default: nothing but a plain PATH. */
	readonly env?: Readonly<Record<string, string | undefined>> | undefined;
	/** Allow `file://`: it reads what is outside the build context. Default false. */
	readonly localGit?: boolean | undefined;
}

export interface GitCheckout {
	/** The full commit. */
	readonly commit: string;
	/** When it was made, in seconds since the epoch: the time that its files get. */
	readonly mtime: number;
	/** The working tree, below the scratch folder. */
	readonly dir: string;
}

/**
 * Checks out one commit of a repository into the scratch folder, without history where the server allows it. Nothing of
 * the repository is run: no hooks, no filters, no prompts, submodules over the network only.
 * @throws SealError ERR_GIT, ERR_CHECKSUM
 */
export async function checkoutGit(remote: GitRemote, options: GitOptions): Promise<GitCheckout> {
	const {checksum} = options;
	if (remote.url.startsWith('file:') && options.localGit !== true) {
		throw new SealError('ERR_GIT', `${redactUrl(remote.url)} cannot be added: local repositories are not allowed`, {
			hint: 'Serve the repository over https or ssh.',
			details: {url: redactUrl(remote.url)},
		});
	}
	if (checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(checksum)) {
		throw new SealError('ERR_CHECKSUM', `The checksum ${JSON.stringify(checksum)} is not the start of a commit`, {
			hint: 'Give at least 7 hexadecimal digits of the commit.',
			details: {checksum},
		});
	}
	const dir = await withIo('make a folder in', options.scratchDir, () => mkdtemp(join(options.scratchDir, 'git-')));
	const git: Git = (...args) => runGit(args, dir, remote, options);
	try {
		// An empty template: neither hooks nor excludes of this machine.
		await git('init', '--quiet', '--template=', '--initial-branch=fetched', '.');
		const commit = await fetchCommit(remote, git);
		verifyCommit(commit, remote, checksum);
		await git('checkout', '--quiet', '--detach', commit, '--');
		await git('submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1');
		const mtime = Number((await git('show', '--no-patch', '--format=%ct', commit)).trim());
		return {commit, mtime, dir};
	} catch (error) {
		await rm(dir, {recursive: true, force: true});
		throw error;
	}
}

type Git = (...args: readonly string[]) => Promise<string>;

/** A commit that the server does not hand out by itself is looked for in the whole history. */
async function fetchCommit(remote: GitRemote, git: Git): Promise<string> {
	const ref = remote.ref ?? 'HEAD';
	const fetch = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules'];
	let found = 'FETCH_HEAD';
	try {
		await git(...fetch, '--depth=1', '--', remote.url, ref);
	} catch (error) {
		if (!/^[0-9a-f]{7,64}$/.test(ref)) throw error;
		await git(...fetch, '--', remote.url, '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*');
		found = ref;
	}
	return (await git('rev-parse', '--verify', `${found}^{commit}`)).trim();
}

function verifyCommit(commit: string, remote: GitRemote, checksum: string | undefined): void {
	if (checksum === undefined || commit.startsWith(checksum)) return;
	throw new SealError('ERR_CHECKSUM', `${redactUrl(remote.url)} is at commit ${commit}, expected ${checksum}`, {
		hint: 'Check the checksum, and whether the ref was moved.',
		details: {expected: checksum, found: commit},
	});
}

/** Configuration that keeps a hostile repository from running anything, and this machine's settings from mattering. */
const safeConfiguration = [
	'core.hooksPath=/dev/null',
	'core.fsmonitor=false',
	'core.symlinks=true',
	'core.autocrlf=false',
	'core.fileMode=true',
	'core.protectHFS=true',
	'core.protectNTFS=true',
	'protocol.allow=never',
	'protocol.https.allow=always',
	'protocol.http.allow=always',
	'protocol.ssh.allow=always',
	'protocol.git.allow=always',
	'submodule.recurse=false',
	'transfer.bundleURI=false',
	'advice.detachedHead=false',
	'filter.lfs.smudge=',
	'filter.lfs.process=',
	'filter.lfs.required=false',
];

async function runGit(args: readonly string[], cwd: string, remote: GitRemote, options: GitOptions): Promise<string> {
	const {signal} = options;
	signal?.throwIfAborted();
	// A local repository is only one that the Sealfile names, never one that a submodule does.
	const isLocal = remote.url.startsWith('file://') && args[0] !== 'submodule';
	const settings = [...safeConfiguration, ...(isLocal ? ['protocol.file.allow=always'] : [])].flatMap(setting => [
		'-c',
		setting,
	]);
	const child = spawn(options.gitBinary ?? 'git', [...settings, ...args], {
		cwd,
		env: gitEnvironment(options.env ?? {PATH: '/usr/local/bin:/usr/bin:/bin'}),
		stdio: ['ignore', 'pipe', 'pipe'],
		// Its own group, so that an abort ends ssh and the transfer helpers as well.
		detached: true,
	});
	const stop = (): void => {
		try {
			if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
		} catch {
			// It has ended already.
		}
	};
	signal?.addEventListener('abort', stop, {once: true});
	try {
		const {code, stdout, stderr} = await outcomeOf(child);
		signal?.throwIfAborted();
		if (code === 0) return stdout;
		throw gitFailed(remote, args[0] ?? '', stderr);
	} catch (error) {
		throw systemCode(error) === 'ENOENT' ? gitMissing(options.gitBinary ?? 'git', error) : error;
	} finally {
		signal?.removeEventListener('abort', stop);
	}
}

async function outcomeOf(
	child: ReturnType<typeof spawn>,
): Promise<{code: number | null; stdout: string; stderr: string}> {
	const out: Buffer[] = [];
	let outBytes = 0;
	let stderr = '';
	child.stdout?.on('data', (chunk: Buffer) => {
		outBytes += chunk.length;
		if (outBytes <= limitOutputBytes) out.push(chunk);
	});
	child.stderr?.on('data', (chunk: Buffer) => {
		stderr = (stderr + chunk.toString()).slice(-8192);
	});
	const code = await new Promise<number | null>((resolve, reject) => {
		child.on('error', reject);
		child.on('close', resolve);
	});
	return {code, stdout: Buffer.concat(out).toString(), stderr};
}

const limitOutputBytes = 16 * 1024 * 1024;

/** Nobody is asked for anything, and no variable points git at another repository or program. */
function gitEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
	const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || name.startsWith('GIT_SSL_'));
	return {
		...Object.fromEntries(kept),
		GIT_TERMINAL_PROMPT: '0',
		GIT_CONFIG_NOSYSTEM: '1',
		GIT_ASKPASS: '/bin/false',
		SSH_ASKPASS: '/bin/false',
		GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
		GIT_LFS_SKIP_SMUDGE: '1',
		LC_ALL: 'C',
	};
}

function gitMissing(binary: string, cause: unknown): SealError {
	return new SealError(
		'ERR_GIT',
		`The program ${JSON.stringify(binary)} is needed to add a repository and is not installed`,
		{
			hint: 'Install git, or add a release archive by its URL.',
			cause,
		},
	);
}

function gitFailed(remote: GitRemote, command: string, stderr: string): SealError {
	const lines = stderr
		.split('\n')
		.map(line => line.trim())
		.filter(line => line !== '');
	const reason = lines.find(line => /^(?:fatal|error|remote):/.test(line)) ?? lines.at(-1) ?? 'no reason given';
	return new SealError('ERR_GIT', `git ${command} of ${redactUrl(remote.url)} failed: ${hideLogins(reason)}`, {
		hint: 'Check the URL, the ref and the access rights.',
		details: {url: redactUrl(remote.url), ...(remote.ref === undefined ? {} : {ref: remote.ref})},
	});
}

function hideLogins(text: string): string {
	return text.replace(/(\w+:\/\/)[^/@\s']+@/gu, '$1');
}
