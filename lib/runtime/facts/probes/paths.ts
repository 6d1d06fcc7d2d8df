import {quoteAll} from '../../transport/quote.js';
import {type Answers, count} from '../answers.js';
import type {PathFacts} from '../facts.js';
import {mountOf, mountsOf} from '../mounts.js';
import type {Probe} from '../probe.js';

/**
 * The file systems below the folders that matter, whether the folders are there already or not. Other file systems are not
 * touched: a dead network mount would hold the script up.
 */
export const pathsProbe: Probe<readonly PathFacts[]> = {
	script: wanted => `number=0 places=
for path in ${quoteAll(wanted.paths)}; do
place=$path
while [ ! -d "$place" ]; do
case $place in */*) place=\${place%/*} ;; *) place= ;; esac
[ -n "$place" ] || place=/
done
mode=ro
if cd -P "$place" 2>/dev/null; then place=$PWD; fi
[ ! -w "$place" ] || mode=rw
tell path "$number $mode $place"
case $nl$places$nl in *"$nl$place$nl"*) ;; *) places=$places$nl$place ;; esac
number=$((number + 1))
while :; do
case $place in *[!A-Za-z0-9_./-]*) ;; *) pick "^[^ ]+ [^ ]+ [^ ]+ [^ ]+ $place " ;; esac
[ "$place" != / ] || break
place=\${place%/*}
[ -n "$place" ] || place=/
done
done
cd /
space=
IFS=$nl
[ -z "$places" ] || space=$(stat -f -c '%S %b %a %c %d %n' $places 2>/dev/null)
say space "$space"
IFS=$nl
[ -z "$places" ] || [ -n "$space" ] || say df "$(df -Pk $places 2>/dev/null)"
unset IFS`,
	read: (answers, wanted) => {
		const mounts = mountsOf(answers);
		const spaces = new Map([...readDf(answers), ...readSpace(answers)]);
		return answers.said('path').flatMap(line => {
			const match = /^(\d{1,6}) (ro|rw) (\/.*)$/.exec(line);
			const path = wanted.paths[Number(match?.[1] ?? -1)];
			if (match === null || path === undefined) return [];
			const existing = match[3]!;
			const mount = mountOf(existing, mounts);
			return [
				{
					path,
					existing,
					...(mount === undefined
						? {}
						: {mountPoint: mount.mountPoint, fileSystem: mount.fileSystem, device: mount.device}),
					mountOptions: mount?.options ?? [],
					writable: match[2] === 'rw',
					...(spaces.get(existing) ?? spaces.get(mount?.mountPoint ?? '')),
				},
			];
		});
	},
};

type Space = Pick<PathFacts, 'totalBytes' | 'freeBytes' | 'totalInodes' | 'freeInodes'>;

/** Block size, blocks, blocks free for users, inodes, free inodes, path. Btrfs and the like have no count of inodes: 0. */
function readSpace(answers: Answers): readonly (readonly [string, Space])[] {
	return answers.said('space').flatMap(line => {
		const match = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\/.*)$/.exec(line);
		if (match === null) return [];
		const [block, blocks, free, totalInodes, freeInodes] = match.slice(1, 6).map(text => count(text) ?? 0) as [
			number,
			number,
			number,
			number,
			number,
		];
		const space = {totalBytes: block * blocks, freeBytes: block * free};
		return [[match[6]!, totalInodes === 0 ? space : {...space, totalInodes, freeInodes}] as const];
	});
}

/** By mount point: file system, KiB, used, available, use, mount point. For hosts whose `stat` knows no file systems. */
function readDf(answers: Answers): readonly (readonly [string, Space])[] {
	return answers.said('df').flatMap(line => {
		const match = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s+(\/.*)$/.exec(line);
		if (match === null) return [];
		return [[match[3]!, {totalBytes: Number(match[1]) * 1024, freeBytes: Number(match[2]) * 1024}] as const];
	});
}
