import type {FakeReply} from './answer.js';
import {parentOf, sha256} from './files.js';
import type {FakeCall, FakeHost} from './host.js';
import {runPackageCommand} from './packages.js';
import {runSystemctl} from './systemctl.js';

/** What a fake host can do by itself: small commands on its files, units and packages. All others do not exist. */
export async function runCommand(host: FakeHost, call: FakeCall): Promise<FakeReply> {
	const [program = '', ...words] = call.argv;
	const name = program.slice(program.lastIndexOf('/') + 1);
	const run = programs[name];
	if (run !== undefined) return await run(host, words, call);
	if (name === 'sh' || name === 'bash') {
		return {code: 127, stderr: 'fake host: shell scripts are not played; answer them with on()\n'};
	}
	return runPackageCommand(host, name, words) ?? {code: 127, stderr: `sh: 1: ${program}: not found\n`};
}

type Program = (host: FakeHost, words: readonly string[], call: FakeCall) => FakeReply | Promise<FakeReply>;

const programs: Readonly<Record<string, Program>> = {
	true: () => ({}),
	false: () => ({code: 1}),
	echo: (_host, words) => ({stdout: `${words.join(' ')}\n`}),
	hostname: host => ({stdout: `${host.name}\n`}),
	id: (_host, words, {as}) => ({stdout: words.includes('-u') ? (as === 'root' ? '0\n' : '1000\n') : `${as}\n`}),
	uname: (host, words) => ({stdout: words.includes('-m') ? `${host.machine}\n` : 'Linux\n'}),
	systemctl: runSystemctl,
	async cat(host, words, call) {
		if (words.length === 0) return {stdout: await call.readInput()};
		return onPaths(words, path => host.files.read(path));
	},
	sha256sum: (host, words) =>
		onPaths(words, path => {
			const content = host.files.read(path);
			return content === undefined ? undefined : Buffer.from(`${sha256(content)}  ${path}\n`);
		}),
	test: (host, words) => testFile(host, words),
	'[': (host, words) => testFile(host, words.slice(0, -1)),
	mkdir(host, words) {
		for (const path of operands(words)) {
			if (!words.includes('-p') && host.files.node(parentOf(path)) === undefined) return missing('mkdir', path);
			host.files.makeFolder(path);
		}
		return {};
	},
	rm(host, words) {
		const isForced = words.some(word => /^-[a-zA-Z]*f/.test(word));
		const failed = operands(words).filter(path => !host.files.remove(path) && !isForced);
		return failed[0] === undefined ? {} : missing('rm', failed[0]);
	},
	mv(host, words) {
		const [from = '', to = ''] = operands(words);
		if (host.files.node(from) === undefined) return missing('mv', from);
		host.files.move(from, to);
		return {};
	},
	async tee(host, words, call) {
		const content = await call.readInput();
		for (const path of operands(words)) host.files.set(path, content);
		return {stdout: content};
	},
};

function operands(words: readonly string[]): readonly string[] {
	return words.filter(word => !word.startsWith('-'));
}

function onPaths(words: readonly string[], read: (path: string) => Buffer | undefined): FakeReply {
	const found = operands(words).map(path => ({path, content: read(path)}));
	const stdout = Buffer.concat(found.map(({content}) => content ?? Buffer.alloc(0)));
	const absent = found.find(({content}) => content === undefined);
	return absent === undefined ? {stdout} : {...missing('cat', absent.path), stdout};
}

function testFile(host: FakeHost, [flag = '', path = '']: readonly string[]): FakeReply {
	const node = host.files.node(path);
	const isTrue =
		(flag === '-e' && node !== undefined) ||
		(flag === '-f' && node?.type === 'file') ||
		(flag === '-d' && node?.type === 'folder') ||
		(flag === '-L' && node?.type === 'link') ||
		(flag === '-s' && (node?.content.length ?? 0) > 0);
	return {code: isTrue ? 0 : 1};
}

function missing(program: string, path: string): FakeReply {
	return {code: 1, stderr: `${program}: ${path}: No such file or directory\n`};
}
