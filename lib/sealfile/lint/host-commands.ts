/**
 * What a command line on a host can count on: the shell itself, coreutils and the tools every server distribution
 * installs, and what a Kubernetes rootfs puts on the hosts before applications run. `helm` is not among them: it comes
 * with an image, this one or another.
 */
const groups: readonly string[] = [
	// the shell's own
	': . [ [[ alias bg break cd command continue declare echo eval exec exit export false fg getopts hash jobs kill let local',
	'printf pwd read readonly return set shift shopt source test times trap true type typeset ulimit umask unset wait',
	// coreutils, findutils, grep, sed, awk, util-linux and their like
	'awk base64 basename bash cat chgrp chmod chown cmp cp curl cut date dd df diff dirname dmesg du env expr file find',
	'flock free getent grep egrep fgrep groupadd gunzip gzip head hostname hostnamectl id install ip iptables join journalctl',
	'less ln logger ls lsblk lsmod md5sum mkdir mkfifo mktemp modprobe more mount mv nohup nproc nsenter paste ping pkill ps',
	'readlink realpath rm rmdir sed seq setenforce sh sha1sum sha256sum sha512sum shred shuf sleep sort ss stat stty su sudo',
	'swapoff sync sysctl systemctl systemd-run tac tail tar tee timedatectl timeout touch tr truncate tty umount uname uniq',
	'uptime useradd usermod vi wc wget which who whoami xargs xz yes',
	// from a rootfs image
	'containerd crictl ctr kubeadm kubectl kubelet runc k3s sealos sealctl sealimage',
];

export const hostCommands: ReadonlySet<string> = new Set(groups.flatMap(group => group.split(' ')));
