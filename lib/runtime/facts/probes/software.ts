import {quoteAll} from '../../transport/quote.js';
import type {Answers} from '../answers.js';
import type {SoftwareFacts} from '../facts.js';
import type {Probe} from '../probe.js';

/** What is installed, runs, listens and was left behind. A unit that runs has a control group: nobody need be asked. */
export const softwareProbe: Probe<SoftwareFacts> = {
	script: wanted => `for program in ${quoteAll(wanted.commands)}; do
printf 'command %s ' "$program"
command -v "$program" 2>/dev/null || echo
done
for program in ${quoteAll(wanted.versions)}; do
! has "$program" || say version "$program $("$program" --version 2>/dev/null </dev/null)"
done
for unit in ${quoteAll(wanted.services)}; do
for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
[ ! -d "$root/system.slice/$unit" ] || { tell service "$unit"; break; }
done
[ ! -e "/run/openrc/started/\${unit%.service}" ] || tell service "$unit"
done
for path in ${quoteAll(wanted.sockets)}; do
[ ! -S "$path" ] || tell socket "$path"
done
set +f
for path in ${quoteAll(wanted.present)}; do
if [ -d "$path" ]; then
for entry in "$path"/* "$path"/.[!.]*; do
[ ! -e "$entry" ] || { tell present "$path"; break; }
done
elif [ -e "$path" ]; then tell present "$path"
fi
done
set -f`,
	read: (answers, wanted) => ({
		commands: readCommands(answers, wanted.commands),
		versions: readVersions(answers, wanted.versions),
		services: only(wanted.services, answers.said('service')),
		sockets: only(wanted.sockets, answers.said('socket')),
		present: only(wanted.present, answers.said('present')),
	}),
};

/** In the order they were asked for. */
function only(wanted: readonly string[], said: readonly string[]): readonly string[] {
	const found = new Set(said);
	return wanted.filter(name => found.has(name));
}

function readCommands(answers: Answers, wanted: readonly string[]): Record<string, string> {
	const found = new Map(answers.said('command').map(line => splitOnce(line)));
	// A tool that is part of the shell itself (busybox) has no path but its name.
	return pickEntries(wanted, name => {
		const place = found.get(name) ?? '';
		return place.startsWith('/') || place === name ? place : undefined;
	});
}

/** `containerd github.com/containerd/containerd v1.7.24 ...`, `kubelet Kubernetes v1.31.2`: the first thing like a version. */
function readVersions(answers: Answers, wanted: readonly string[]): Record<string, string> {
	// Programs may write more lines than one: the first one counts, which begins with the name.
	const found = new Map(
		answers
			.said('version')
			.map(line => splitOnce(line))
			.toReversed(),
	);
	return pickEntries(
		wanted,
		name => /(?:^|[\sv])(\d+\.\d+(?:\.\d+)?(?:[-+~][\w.+~-]{1,64})?)/.exec(found.get(name) ?? '')?.[1],
	);
}

function splitOnce(line: string): [first: string, rest: string] {
	const space = line.indexOf(' ');
	return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}

function pickEntries(names: readonly string[], value: (name: string) => string | undefined): Record<string, string> {
	return Object.fromEntries(
		names.flatMap(name => {
			const found = value(name);
			return found === undefined ? [] : [[name, found] as const];
		}),
	);
}
