import test from 'ava';
import {type GitRemote, parseGitUrl} from '../../../lib/sealfile/add/git-url.js';

const reading = test.macro<[string, GitRemote | undefined]>({
	exec(t, text, expected) {
		t.deepEqual(parseGitUrl(text), expected);
	},
	title: (_, text, expected) => (expected === undefined ? `${text} is no repository` : `${text} is a repository`),
});

test(reading, 'https://host/x.git', {url: 'https://host/x.git', subdir: ''});
test(reading, 'https://host/x.git#v1', {url: 'https://host/x.git', ref: 'v1', subdir: ''});
test(reading, 'https://host/x.git#v1:a/b', {url: 'https://host/x.git', ref: 'v1', subdir: 'a/b'});
test(reading, 'https://host/x.git#:/a/', {url: 'https://host/x.git', subdir: 'a'});
test(reading, 'https://host/x.git?ref=v1&subdir=a', {url: 'https://host/x.git', ref: 'v1', subdir: 'a'});
test(reading, 'https://host/x.git?branch=main', {url: 'https://host/x.git', ref: 'main', subdir: ''});
test(reading, 'ssh://git@host:22/x', {url: 'ssh://git@host:22/x', subdir: ''});
test(reading, 'git://host/x#refs/tags/v1', {url: 'git://host/x', ref: 'refs/tags/v1', subdir: ''});
test(reading, 'git@github.com:owner/repo#main', {url: 'git@github.com:owner/repo', ref: 'main', subdir: ''});
test(reading, 'file:///srv/x', {url: 'file:///srv/x', subdir: ''});
test(reading, 'https://host/x.tar.gz', undefined);
test(reading, 'https://host/x.git.html', undefined);
test(reading, 'a/b.git', undefined);
test(reading, '-oProxyCommand=x@host:y', undefined);
test(reading, '.', undefined);

const refusing = test.macro<[string]>({
	exec(t, text) {
		t.throws(() => parseGitUrl(text), {code: 'ERR_GIT'});
	},
	title: (_, text) => `${text} is refused`,
});

test(refusing, 'https://host/x.git#--upload-pack=evil');
test(refusing, 'https://host/x.git#a..b');
test(refusing, 'https://host/x.git#a b');
test(refusing, 'https://host/x.git#+refs/heads/*');
test(refusing, 'https://host/x.git#main:../up');
test(refusing, 'https://host/x.git#main:a/../../up');
test(refusing, 'https://host/x.git?ref=a&tag=b');
test(refusing, 'https://host/x.git?ref=a#b');
test(refusing, 'https://host/x.git?depth=1');
