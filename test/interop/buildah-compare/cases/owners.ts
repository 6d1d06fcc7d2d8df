import {type BuildCase, directory, file, symlink} from '../case.js';

const accounts = {
	'root/etc/passwd': file('root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002:App:/home/app:/bin/false\n'),
	'root/etc/group': file('root:x:0:\nstaff:x:50:app\nappgroup:x:1002:\n'),
	'd/f': file('f\n'),
	'd/sub/g': file('g\n', {mode: 0o600}),
	'd/link': symlink('f'),
};

/** Owners and modes: what the context says, and what --chown and --chmod make of it. */
export const ownerCases: readonly BuildCase[] = [
	{
		title: 'owners of the context are not taken over',
		context: {'d/f': file('f', {uid: 1234, gid: 5678}), d: directory({uid: 42, gid: 43})},
		sealfile: ['FROM scratch', 'COPY d /d'],
	},
	{title: 'chown with two numbers', context: accounts, sealfile: ['FROM scratch', 'COPY --chown=1000:1001 d /d']},
	{title: 'chown with one number', context: accounts, sealfile: ['FROM scratch', 'COPY --chown=77 d /d']},
	{
		title: 'chown of one file into new folders',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY --chown=5:6 d/f /new/deep/f'],
	},
	{
		title: 'chown does not touch an existing folder',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY root /', 'COPY --chown=5:6 d /etc'],
	},
	{
		title: 'chown with names',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY root /', 'COPY --chown=app:staff d /d'],
	},
	{
		title: 'chown with a user name takes its group',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY root /', 'COPY --chown=app d /d'],
	},
	{
		title: 'chown with a number that passwd knows',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY root /', 'COPY --chown=1001 d /d'],
	},
	{
		title: 'chown with an unknown name is refused',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY root /', 'COPY --chown=nobody d /d'],
		refused: true,
	},
	{
		title: 'chown with a name needs a passwd file',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY --chown=app d /d'],
		refused: true,
	},
	{
		title: 'chown with a variable',
		context: accounts,
		sealfile: ['FROM scratch', 'ARG who=12', 'COPY --chown=$who:${who}3 d /d'],
	},
	{title: 'chmod of a file', context: accounts, sealfile: ['FROM scratch', 'COPY --chmod=0600 d/f /f']},
	{title: 'chmod of a folder and all in it', context: accounts, sealfile: ['FROM scratch', 'COPY --chmod=755 d /d']},
	{
		title: 'chmod of a file into new folders',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY --chmod=0777 d/f /new/deep/f'],
	},
	{title: 'chmod with setuid', context: accounts, sealfile: ['FROM scratch', 'COPY --chmod=4755 d/f /f']},
	{
		title: 'chmod and chown together',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY --chown=5:6 --chmod=700 d /d'],
	},
	{title: 'chmod with letters', context: accounts, sealfile: ['FROM scratch', 'COPY --chmod=u=rwX,go=rX d /d']},
	{
		title: 'chmod with a wrong number is refused',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY --chmod=64a d /d'],
		refused: true,
	},
	{
		title: 'USER does not change the owner of copies',
		context: accounts,
		sealfile: ['FROM scratch', 'USER 1000:1000', 'COPY d /d'],
	},
	{title: 'WORKDIR belongs to root without USER', context: accounts, sealfile: ['FROM scratch', 'WORKDIR /w/x']},
	{
		title: 'WORKDIR after a numeric USER',
		context: accounts,
		sealfile: ['FROM scratch', 'COPY root /', 'USER 1001:50', 'WORKDIR /w/x'],
	},
	{
		title: 'WORKDIR of an existing folder changes nothing',
		context: {'root/w/f': file(), 'root/w': directory({mode: 0o700})},
		sealfile: ['FROM scratch', 'COPY root /', 'WORKDIR /w'],
	},
];
