import type {FakeReply} from './answer.js';
import type {FakeHost} from './host.js';

/** The commands of Debian's and Red Hat's packages; undefined for any other program. */
export function runPackageCommand(host: FakeHost, name: string, words: readonly string[]): FakeReply | undefined {
	const operands = words.filter(word => !word.startsWith('-'));
	if (name === 'dpkg-query' || (name === 'rpm' && words.includes('-q'))) return query(host, name, operands);
	if (!installers.has(name)) return undefined;
	const [verb = '', ...packages] = operands;
	if (verb === 'install') for (const one of packages) host.packages.set(one, host.packages.get(one) ?? '1.0');
	else if (verb === 'remove' || verb === 'purge') for (const one of packages) host.packages.delete(one);
	else if (verb !== 'update') return {code: 1, stderr: `${name}: unknown command ${verb}\n`};
	return {};
}

const installers = new Set(['apt-get', 'apt', 'dnf', 'yum', 'zypper']);

function query(host: FakeHost, name: string, packages: readonly string[]): FakeReply {
	const lines = packages.map(one => {
		const version = host.packages.get(one);
		if (version === undefined) return undefined;
		return name === 'rpm' ? `${one}-${version}` : `${one}\t${version}`;
	});
	const found = lines.filter(line => line !== undefined);
	const stdout = found.map(line => `${line}\n`).join('');
	if (found.length === lines.length) return {stdout};
	const absent = packages.find(one => !host.packages.has(one)) ?? '';
	if (name === 'rpm') return {code: 1, stdout: `${stdout}package ${absent} is not installed\n`};
	return {code: 1, stdout, stderr: `dpkg-query: no packages found matching ${absent}\n`};
}
