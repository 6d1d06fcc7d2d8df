import {type Answers, count} from '../answers.js';
import type {PortFacts} from '../facts.js';
import {readIPv4, readIPv6} from '../hexadecimal.js';
import type {Probe} from '../probe.js';

/**
 * Ports that something waits on, and who. The kernel lists sockets by inode; whose they are takes a look at the open files of all
 * processes. `ls` does that in one process; with thousands of them `ss` is quicker, and where that is missing too nobody is named.
 */
export const portsProbe: Probe<readonly PortFacts[]> = {
	script:
		() => `ports=$(grep -sHaE -m 2048 ':0000 (0A|07) ' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null)
[ -z "$ports" ] || printf '%s\\n' "$ports"
inodes=
IFS=$nl
for text in $ports; do
unset IFS
set -- \${text#*:}
[ $# -lt 10 ] || [ "\${10}" = 0 ] || inodes="$inodes|\${10}"
done
unset IFS
set +f
set -- /proc/[0-9]*
if [ -z "$inodes" ]; then :
elif [ $# -le 2000 ]; then
owners=$(ls -ln /proc/[0-9]*/fd 2>/dev/null | grep -aE "^/proc/[0-9]+/fd:|socket:\\[(\${inodes#?})\\]")
set -f
IFS=$nl known=
for text in $owners; do
case $text in
/proc/*) text=\${text#/proc/} process=\${text%%/*} ;;
*)
printf 'owner %s %s\\n' "$process" "\${text##*socket:}"
case "$known " in *" $process "*) ;; *)
known="$known $process"
want "/proc/$process/comm" "/proc/$process/cgroup"
;;
esac
;;
esac
done
unset IFS
else
set -f
! has ss || say ss "$(ss -Hltunpe 2>/dev/null)"
fi
set -f`,
	read: answers => {
		const owners = new Map([...readOwners(answers), ...readSs(answers)]);
		const found = tables.flatMap(([file, protocol, order]) =>
			answers.lines(file).flatMap(line => readSocket(line, protocol, order, owners)),
		);
		const seen = new Set<string>();
		return found
			.toSorted((a, b) => a.protocol.localeCompare(b.protocol) || a.port - b.port)
			.filter(({protocol, address, port}) => {
				const key = `${protocol} ${address} ${port}`;
				return !seen.has(key) && seen.add(key);
			});
	},
};

type Owner = Pick<PortFacts, 'pid' | 'process' | 'unit'>;

const tables = [
	['/proc/net/tcp', 'tcp', 'v4'],
	['/proc/net/tcp6', 'tcp', 'v6'],
	['/proc/net/udp', 'udp', 'v4'],
	['/proc/net/udp6', 'udp', 'v6'],
] as const;

/** Columns: slot, local, remote, state, queues, timer, retransmits, user, time-out, inode (proc_net.rst of the kernel). */
function readSocket(
	line: string,
	protocol: PortFacts['protocol'],
	family: 'v4' | 'v6',
	owners: ReadonlyMap<string, Owner>,
): readonly PortFacts[] {
	const [, local = '', , , , , , user, , inode = ''] = line.trim().split(/\s+/);
	const [hex = '', portHex = ''] = local.split(':');
	const address = family === 'v4' ? readIPv4(hex) : readIPv6(hex, 'wordwise');
	const port = /^[0-9A-F]{4}$/.test(portHex) ? Number.parseInt(portHex, 16) : 0;
	if (address === undefined || port === 0) return [];
	const uid = count(user);
	return [{protocol, address, port, ...(uid === undefined ? {} : {uid}), ...owners.get(inode)}];
}

/** `owner PID [INODE]`. The first process wins: sockets that were handed down belong to the parent, which is listed first. */
function readOwners(answers: Answers): readonly (readonly [string, Owner])[] {
	return answers
		.said('owner')
		.flatMap(line => {
			const match = /^(\d{1,10}) \[(\d+)\]/.exec(line);
			if (match === null) return [];
			const pid = match[1]!;
			const process = answers.line(`/proc/${pid}/comm`);
			const unit = answers
				.lines(`/proc/${pid}/cgroup`)
				.map(group => /\/([^/]+\.service)(?:\/|$)/.exec(group)?.[1])
				.find(Boolean);
			return [
				[
					match[2]!,
					{
						pid: Number(pid),
						...(process === undefined ? {} : {process}),
						...(unit === undefined ? {} : {unit}),
					},
				] as const,
			];
		})
		.toSorted(([, a], [, b]) => b.pid - a.pid);
}

/** `... users:(("sshd",pid=812,fd=3),...) ino:1173 sk:1 cgroup:/system.slice/ssh.service ...` */
function readSs(answers: Answers): readonly (readonly [string, Owner])[] {
	return answers.said('ss').flatMap(line => {
		const inode = /\sino:(\d+)/.exec(line)?.[1];
		// Names hold what they like: looked for once, at the first place.
		const user = /^users:\(\("(.*?)",pid=(\d{1,10}),/.exec(line.slice(Math.max(0, line.indexOf('users:(("'))));
		if (inode === undefined || user === null) return [];
		const unit = /\scgroup:\S*\/([^/\s]+\.service)/.exec(line)?.[1];
		return [[inode, {pid: Number(user[2]), process: user[1]!, ...(unit === undefined ? {} : {unit})}] as const];
	});
}
