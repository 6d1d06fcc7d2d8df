/** More files than this hold certificates on no host. */
export const maxFiles = 200;
const maxFileBytes = 262_144;

/**
 * POSIX sh and awk. Each line of its output is a word, a path or name, and a value without spaces. Private keys are not read out: of PEM files
 * only whole blocks of certificates are passed on, of kubeconfigs only the lines that are named here.
 */
export const script = `
LC_ALL=C; export LC_ALL
root=$1
coded() { head -c ${maxFileBytes} | base64 | tr -d '\\n'; }
only_certificates() {
	awk '{ sub(/\\r$/, "") }
		/-----BEGIN / { inside = ($0 == "-----BEGIN CERTIFICATE-----") }
		/PRIVATE/ { inside = 0 }
		inside { print }
		/-----END / { inside = 0 }' "$1"
}
seen=' ' count=0
once() {
	case $1 in *[!A-Za-z0-9._/@:+-]* | '') return 1 ;; esac
	case $seen in *" $1 "*) return 1 ;; esac
	[ -f "$root$1" ] && [ "$count" -lt ${maxFiles} ] || return 1
	seen="$seen$1 " count=$((count + 1))
}
pem() { if once "$1"; then echo "pem $1 $(only_certificates "$root$1" | coded)"; fi; }
conf() {
	once "$1" || return 0
	echo "conf $1 $(grep -E '^[ -]*(certificate-authority-data|client-certificate-data|client-certificate|certificate-authority|server): ' "$root$1" | coded)"
}
for file in "$root"/etc/kubernetes/pki/*.crt "$root"/etc/kubernetes/pki/etcd/*.crt "$root"/var/lib/kubelet/pki/*.crt \\
	"$root"/var/lib/kubelet/pki/*-current.pem "$root"/etc/sealimage/registry/*.crt; do pem "\${file#"$root"}"; done
for file in "$root"/etc/kubernetes/*.conf "$root"/etc/sealimage/lb.kubeconfig; do conf "\${file#"$root"}"; done
set -f
for name in kube-apiserver etcd kube-controller-manager kube-scheduler; do
	manifest=$root/etc/kubernetes/manifests/$name.yaml
	[ -f "$manifest" ] || continue
	echo "component $name"
	flags=$(grep -Eo -e '--(secure-port|bind-address|tls-cert-file|cert-file|peer-cert-file|trusted-ca-file|listen-client-urls|listen-peer-urls|cluster-signing-duration|cluster-signing-cert-file)=[A-Za-z0-9._/:,@+-]+|--(secure-port|bind-address|listen-client-urls|listen-peer-urls)=[][A-Za-z0-9._/:,@+-]+' "$manifest" | head -n 40)
	for flag in $flags; do
		echo "flag $name $flag"
		case $flag in --tls-cert-file=* | --cert-file=* | --peer-cert-file=* | --trusted-ca-file=*) pem "\${flag#*=}" ;; esac
	done
done
config=$root/var/lib/kubelet/config.yaml
if [ -f "$config" ]; then
	echo "component kubelet"
	for setting in $(sed -nE 's/^(tlsCertFile|rotateCertificates|serverTLSBootstrap|port|address): *"?([A-Za-z0-9._/:+-]+)"? *$/\\1=\\2/p' "$config" | head -n 10); do
		echo "flag kubelet $setting"
		case $setting in tlsCertFile=*) pem "\${setting#*=}" ;; esac
	done
fi
if [ -f "$root/etc/sealimage/registry.json" ]; then echo "registry - $(coded <"$root/etc/sealimage/registry.json")"; fi
echo end
`;

/**
 * POSIX sh: joins a program's input and output to a TCP connection of the host itself, by the first means that it has. It ends with 112 when
 * it has none.
 */
export const dialScript = `
if command -v bash >/dev/null 2>&1; then
	exec bash --norc -c 'exec 3<>"/dev/tcp/$0/$1" || exit 111; exec 4<&0; cat <&4 >&3 & cat <&3; kill $! 2>/dev/null; exit 0' "$1" "$2"
fi
if command -v nc >/dev/null 2>&1; then exec nc "$1" "$2"; fi
if command -v python3 >/dev/null 2>&1; then
	exec python3 -c 'import os, socket, sys, threading
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def read():
    while data := peer.recv(65536): os.write(1, data)
    os._exit(0)
threading.Thread(target=read).start()
while data := os.read(0, 65536): peer.sendall(data)' "$1" "$2"
fi
exit 112
`;
