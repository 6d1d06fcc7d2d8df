import type {Answers} from './answers.js';

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
	readonly mountPoint: string;
	readonly fileSystem: string;
	readonly device: string;
	/** Of the mount and of the file system: a file system that the kernel made read-only says so only in the latter. */
	readonly options: readonly string[];
}

/** In the order they were mounted; a later one hides an earlier one at the same place. */
export function mountsOf(answers: Answers): readonly Mount[] {
	return answers.lines('/proc/self/mountinfo').flatMap(line => {
		const [before = '', after = ''] = line.split(' - ');
		const [, , , , mountPoint, options = ''] = before.split(' ');
		const [fileSystem, device = '', superOptions = ''] = after.split(' ');
		if (mountPoint === undefined || fileSystem === undefined || fileSystem === '') return [];
		const all = [...options.split(','), ...superOptions.split(',').filter(option => option === 'ro')];
		return [
			{
				mountPoint: unescapePath(mountPoint),
				fileSystem,
				device: unescapePath(device),
				options: [...new Set(all)].filter(Boolean),
			},
		];
	});
}

/** The mount that a path is on: the last one of those whose mount point is the longest. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
	let found: Mount | undefined;
	for (const mount of mounts) {
		const root = mount.mountPoint === '/' ? '/' : `${mount.mountPoint}/`;
		if (!`${path}/`.startsWith(root)) continue;
		if (found === undefined || mount.mountPoint.length >= found.mountPoint.length) found = mount;
	}
	return found;
}

/** Space, tab, newline and backslash are octal there. */
function unescapePath(text: string): string {
	return text.replace(/\\(040|011|012|134)/g, (_, code: string) => (code === '134' ? '\\' : ' '));
}
