// Prints the --build-arg flags with the checksums that the releases publish.
// Usage: node checksums.js KUBERNETES CRICTL, for example: node checksums.js v1.31.4 v1.31.1
const [kubernetes, crictl] = process.argv.slice(2);
if (kubernetes === undefined || crictl === undefined) {
	console.error('Usage: node checksums.js KUBERNETES CRICTL');
	process.exit(2);
}

const release = 'https://dl.k8s.io/release';
const tools = 'https://github.com/kubernetes-sigs/cri-tools/releases/download';
const flags = [`KUBERNETES=${kubernetes}`, `CRICTL=${crictl}`];
for (const arch of ['amd64', 'arm64']) {
	for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
		const checksum = await published(`${release}/${kubernetes}/bin/linux/${arch}/${name}.sha256`);
		flags.push(`${name.toUpperCase()}_SHA256_${arch.toUpperCase()}=${checksum}`);
	}
	const checksum = await published(`${tools}/${crictl}/crictl-${crictl}-linux-${arch}.tar.gz.sha256`);
	flags.push(`CRICTL_SHA256_${arch.toUpperCase()}=${checksum}`);
}
console.log(flags.map(flag => `--build-arg ${flag}`).join(' '));

async function published(url) {
	const response = await fetch(url);
	if (!response.ok) throw new Error(`${url} answers ${response.status}`);
	const [checksum = ''] = (await response.text()).trim().split(/\s/);
	if (!/^[0-9a-f]{64}$/.test(checksum)) throw new Error(`${url} holds no SHA-256 checksum`);
	return checksum;
}
