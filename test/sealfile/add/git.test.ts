import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {checkoutGit, type GitOptions} from '../../../lib/sealfile/add/git.js';
import {gitSource} from '../../../lib/sealfile/add/git-source.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const author = {
	GIT_AUTHOR_NAME: 'a',
	GIT_AUTHOR_EMAIL: 'a@example.com',
	GIT_AUTHOR_DATE: '2020-01-02T03:04:05Z',
	GIT_COMMITTER_NAME: 'a',
	GIT_COMMITTER_EMAIL: 'a@example.com',
	GIT_COMMITTER_DATE: '2020-01-02T03:04:05Z',
};

function git(dir: string, ...args: readonly string[]): string {
	const env = {PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', ...author};
	return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
		cwd: dir,
		env,
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'pipe'],
	}).trim();
}

interface Repository {
	readonly dir: string;
	readonly url: string;
	readonly commits: readonly [string, string];
	readonly options: GitOptions;
}

/** Two commits on `main`; the first has the tag v1. */
function makeRepository(t: ExecutionContext): Repository {
	const dir = join(tempDir(t), 'repo');
	mkdirSync(dir);
	git(dir, 'init', '--quiet', '--initial-branch=main');
	writeFiles(dir, {'README.md': 'one', 'sub/run.sh': '#!/bin/sh', 'sub/link': '-> ../README.md'});
	chmodSync(join(dir, 'sub/run.sh'), 0o755);
	git(dir, 'add', '.');
	git(dir, 'commit', '--quiet', '-m', 'one');
	git(dir, 'tag', '-a', 'v1', '-m', 'v1');
	const first = git(dir, 'rev-parse', 'HEAD');
	writeFileSync(join(dir, 'README.md'), 'two');
	git(dir, 'commit', '--quiet', '-am', 'two');
	const env = {PATH: process.env.PATH, HOME: '/nonexistent'};
	const options = {scratchDir: tempDir(t), localGit: true, env};
	return {dir, url: `file://${dir}`, commits: [first, git(dir, 'rev-parse', 'HEAD')], options};
}

test('the default branch is checked out', async t => {
	const {url, commits, options} = makeRepository(t);
	const {commit, dir, mtime} = await checkoutGit({url, subdir: ''}, options);
	t.is(commit, commits[1]);
	t.is(mtime, 1_577_934_245);
	t.is(readFileSync(join(dir, 'README.md'), 'utf8'), 'two');
});

test('a tag is checked out as the commit it names', async t => {
	const {url, commits, options} = makeRepository(t);
	const {commit, dir} = await checkoutGit({url, ref: 'v1', subdir: ''}, options);
	t.is(commit, commits[0]);
	t.is(readFileSync(join(dir, 'README.md'), 'utf8'), 'one');
});

test('a commit is checked out, in full or by its start', async t => {
	const {url, commits, options} = makeRepository(t);
	const [first] = commits;
	t.is((await checkoutGit({url, ref: first, subdir: ''}, options)).commit, first);
	t.is((await checkoutGit({url, ref: first.slice(0, 9), subdir: ''}, options)).commit, first);
});

test('a checksum is the start of the commit', async t => {
	const {url, commits, options} = makeRepository(t);
	const [first, second] = commits;
	t.is((await checkoutGit({url, subdir: ''}, {...options, checksum: second.slice(0, 12)})).commit, second);
	await t.throwsAsync(checkoutGit({url, subdir: ''}, {...options, checksum: first}), {
		code: 'ERR_CHECKSUM',
		message: /expected/,
	});
	await t.throwsAsync(checkoutGit({url, subdir: ''}, {...options, checksum: 'abc'}), {code: 'ERR_CHECKSUM'});
	t.is(readdirSync(options.scratchDir).length, 1);
});

test('an unknown ref is refused and leaves nothing', async t => {
	const {url, options} = makeRepository(t);
	await t.throwsAsync(checkoutGit({url, ref: 'none', subdir: ''}, options), {
		code: 'ERR_GIT',
		message: /^git fetch of file:.* failed: fatal: /,
	});
	t.deepEqual(readdirSync(options.scratchDir), []);
});

test('a missing git says so', async t => {
	const {url, options} = makeRepository(t);
	await t.throwsAsync(checkoutGit({url, subdir: ''}, {...options, gitBinary: '/nonexistent/git'}), {
		code: 'ERR_GIT',
		message: /is needed to add a repository and is not installed/,
	});
	t.deepEqual(readdirSync(options.scratchDir), []);
});

test('a local repository is refused unless it is allowed', async t => {
	const {url, options} = makeRepository(t);
	await t.throwsAsync(checkoutGit({url, subdir: ''}, {...options, localGit: false}), {
		code: 'ERR_GIT',
		message: /local repositories are not allowed/,
	});
});

test('a transport of another program is refused', async t => {
	const {options} = makeRepository(t);
	await t.throwsAsync(checkoutGit({url: 'ext::sh -c touch% x', subdir: ''}, options), {
		code: 'ERR_GIT',
		message: /transport 'ext' not allowed/,
	});
});

test('a submodule from this machine is refused', async t => {
	const {dir, url, options} = makeRepository(t);
	const other = makeRepository(t);
	git(dir, 'submodule', '--quiet', 'add', other.url, 'vendor');
	git(dir, 'commit', '--quiet', '-m', 'submodule');
	await t.throwsAsync(checkoutGit({url, subdir: ''}, options), {
		code: 'ERR_GIT',
		message: /transport 'file' not allowed/,
	});
	t.deepEqual(readdirSync(options.scratchDir), []);
});

test('hooks of this machine and filters of the repository are not run', async t => {
	const {dir, url, options} = makeRepository(t);
	const home = tempDir(t);
	writeFiles(home, {'hooks/post-checkout': `#!/bin/sh\ntouch ${home}/hooked\n`});
	chmodSync(join(home, 'hooks/post-checkout'), 0o755);
	writeFileSync(join(home, '.gitconfig'), `[core]\n\thooksPath = ${home}/hooks\n[init]\n\ttemplateDir = ${home}\n`);
	writeFiles(dir, {
		'.gitattributes': '*.bin filter=lfs diff=lfs',
		'a.bin': 'version https://git-lfs.github.com/spec/v1\n',
	});
	git(dir, 'add', '.');
	git(dir, 'commit', '--quiet', '-m', 'lfs');
	const checkout = await checkoutGit({url, subdir: ''}, {...options, env: {...options.env, HOME: home}});
	t.false(existsSync(join(home, 'hooked')));
	t.is(readFileSync(join(checkout.dir, 'a.bin'), 'utf8'), 'version https://git-lfs.github.com/spec/v1\n');
});

test('a variable that points git elsewhere does not matter', async t => {
	const {url, commits, options} = makeRepository(t);
	const env = {
		...options.env,
		GIT_DIR: '/nonexistent',
		GIT_WORK_TREE: '/nonexistent',
		GIT_CONFIG_COUNT: '1',
		GIT_CONFIG_KEY_0: 'protocol.file.allow',
		GIT_CONFIG_VALUE_0: 'never',
	};
	t.is((await checkoutGit({url, subdir: ''}, {...options, env})).commit, commits[1]);
});

test('an abort ends git with the reason and leaves nothing', async t => {
	const {url, options} = makeRepository(t);
	const controller = new AbortController();
	const reason = new Error('enough');
	const script = join(tempDir(t), 'git');
	writeFileSync(script, '#!/bin/sh\nsleep 600\n');
	chmodSync(script, 0o755);
	const running = checkoutGit({url, subdir: ''}, {...options, gitBinary: script, signal: controller.signal});
	setTimeout(() => controller.abort(reason), 50);
	await t.throwsAsync(running, {is: reason});
	t.deepEqual(readdirSync(options.scratchDir), []);
});

test('a checkout as source has the modes of git and the time of the commit, whatever the umask is', async t => {
	const {url, options} = makeRepository(t);
	const before = process.umask(0o077);
	t.teardown(() => process.umask(before));
	const checkout = await checkoutGit({url, subdir: ''}, options);
	const source = gitSource(checkout, 'the repository', false);
	const look = (path: string) => source.lookup(path)?.header.mode.toString(8);
	t.deepEqual([look('README.md'), look('sub'), look('sub/run.sh'), look('sub/link')], ['644', '755', '755', '777']);
	t.is(source.lookup('sub/run.sh')?.header.mtime, checkout.mtime);
	t.is(source.lookup('.git'), undefined);
	t.deepEqual(
		source.list('').map(node => node.header.path),
		['README.md', 'sub'],
	);
	t.is(gitSource(checkout, 'the repository', true).lookup('.git')?.header.type, 'directory');
});
