import type {HostFacts, PathFacts} from '../facts/facts.js';
import {type HostCheck, listing, seen, size} from './check.js';

/** Is there room where it is needed, and can it be used? */
export const diskChecks: readonly HostCheck[] = [
	{
		id: 'path-read-only',
		severity: 'error',
		why: 'Files have to be written there.',
		mend: 'Mount the file system read-write; if the kernel made it read-only, look at dmesg for errors of the disk.',
		look: (facts, {writable = []}) =>
			byMount(facts, writable, path => path.mountOptions.includes('ro') || (facts.uid === 0 && !path.writable)).map(
				paths => ({what: `Nothing can be written to ${namesOf(paths)}`, detail: mounted(paths[0]!)}),
			),
	},
	{
		id: 'path-noexec',
		severity: 'error',
		why: 'Programs have to be started from there.',
		mend: 'Mount the file system without noexec, or keep the folder on another one.',
		look: (facts, {executable = []}) =>
			byMount(facts, executable, path => path.mountOptions.includes('noexec')).map(paths => ({
				what: `No program can be started from ${namesOf(paths)}`,
				detail: mounted(paths[0]!),
			})),
	},
	{
		id: 'path-on-network',
		severity: 'warning',
		why: 'Images and databases need locks, hard links and durable writes, which network file systems give slowly or not at all.',
		mend: 'Keep the folder on a disk of the host.',
		look: (facts, {local = []}) =>
			byMount(facts, local, path => network.test(path.fileSystem ?? '')).map(paths => ({
				what: `${namesOf(paths)} ${paths.length === 1 ? 'is' : 'are'} on a network file system`,
				detail: mounted(paths[0]!),
			})),
	},
	{
		id: 'disk-small',
		severity: 'error',
		why: 'The work stops in its middle when the disk is full.',
		mend: 'Make room, or mount a larger disk there.',
		look: (facts, {freeBytes = {}}) =>
			byMount(facts, Object.keys(freeBytes), () => true).flatMap(paths => {
				const free = paths[0]!.freeBytes;
				const wanted = paths.reduce((sum, path) => sum + (freeBytes[path.path] ?? 0), 0);
				return seen(free !== undefined && free < wanted, () => ({
					what: `There is less than ${size(wanted)} of free space for ${namesOf(paths)}`,
					detail: size(free!),
				}));
			}),
	},
	{
		id: 'inodes-few',
		severity: 'error',
		why: 'Images hold many small files, and a file system without inodes is full, whatever space it has.',
		mend: 'Remove files that nobody needs, or make the file system anew with more inodes.',
		look: (facts, {freeBytes = {}}) =>
			byMount(facts, Object.keys(freeBytes), path => (path.freeInodes ?? fewInodes) < fewInodes).map(paths => ({
				what: `There are few free inodes for ${namesOf(paths)}`,
				detail: String(paths[0]!.freeInodes!),
			})),
	},
];

const network = /^(?:nfs\d?|cifs|smb3?|9p|ceph|glusterfs|fuse\.(?:sshfs|glusterfs|s3fs|ceph-fuse)|lustre|gpfs|afs)$/;

/** A container image with an interpreter unpacks to some ten thousand files. */
const fewInodes = 50_000;

/** Those of the folders that are as asked, together when they are on one file system. */
function byMount(
	{paths}: HostFacts,
	wanted: readonly string[],
	matches: (path: PathFacts) => boolean,
): readonly (readonly PathFacts[])[] {
	const groups = new Map<string, PathFacts[]>();
	for (const path of paths) {
		if (!wanted.includes(path.path) || !matches(path)) continue;
		// Subvolumes and bind mounts of one device share its space.
		const key = path.device?.startsWith('/dev/') === true ? path.device : (path.mountPoint ?? path.existing);
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [path]);
		else group.push(path);
	}
	return [...groups.values()];
}

const namesOf = (paths: readonly PathFacts[]): string => listing(paths.map(path => path.path));

/** `ext4 at /var, ro` */
function mounted({mountPoint, fileSystem, mountOptions}: PathFacts): string | undefined {
	if (mountPoint === undefined) return undefined;
	const options = mountOptions.filter(option => option === 'ro' || option === 'noexec');
	return [[fileSystem, `at ${mountPoint}`].filter(Boolean).join(' '), ...options].join(', ');
}
