/**
 * POSIX sh, with the folder of the run in `work`: takes away what containerd had of Kubernetes when the host lost its power in an earlier attempt, and
 * notes this one.
 *
 * containerd flushes what it says of images, and not the files that it unpacked: after a power cut programs are there with their names and without
 * their bytes, and every further pull finds the image present (containerd/containerd #5854). The namespace is Kubernetes' own. Leases of a pull that was
 * cut off would keep its layers for a day.
 */
export const forgetUnflushed = `
boot=$(cat /proc/sys/kernel/random/boot_id)
forget() {
	echo "the host was off while kubeadm was at work: images are unpacked anew"
	systemctl stop kubelet
	systemctl start containerd || return
	for id in $(ctr -n k8s.io containers ls -q); do
		ctr -n k8s.io tasks delete -f "$id" >/dev/null 2>&1
		ctr -n k8s.io containers rm "$id" || return
	done
	for id in $(ctr -n k8s.io leases ls -q); do ctr -n k8s.io leases rm "$id" >/dev/null || return; done
	set -- $(ctr -n k8s.io images ls -q)
	[ "$#" -eq 0 ] || ctr -n k8s.io images rm --sync "$@" >/dev/null || return
	systemctl restart containerd
}
if [ -f "$work/kubeadm.boot" ] && [ "$(cat "$work/kubeadm.boot")" != "$boot" ] && command -v ctr >/dev/null 2>&1; then
	forget || { echo "error: containerd does not give up images that a power cut may have damaged" >&2; exit 1; }
fi
printf %s "$boot" >"$work/kubeadm.boot.new" && mv -f "$work/kubeadm.boot.new" "$work/kubeadm.boot" && sync || exit
`;
