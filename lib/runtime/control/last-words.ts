import type {Abortable} from '../../core/events.js';
import {exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {visible} from './say.js';

/** What a host itself says last, of what did not come up. */
export interface LastWords {
	/** The kubelet's journal. */
	readonly kubelet?: readonly string[];
	/** Logs of static pods, by their names. */
	readonly pods?: Readonly<Record<string, readonly string[]>>;
}

/** Asks a host for them in one round trip. Rejects only when it is aborted: an error that is under way is not to get lost. */
export async function lastWords(transport: Transport, {signal}: Abortable = {}): Promise<LastWords> {
	try {
		const argv = ['sh', '-c', script, 'sealimage-last-words'];
		const {stdout} = await exec(transport, argv, {signal, timeoutMs: 30_000, maxOutputBytes: 256 * 1024});
		return parse(stdout.toString());
	} catch {
		signal?.throwIfAborted();
		return {};
	}
}

/** The most telling of them: the last line of the kubelet that reports a failure. */
export function loudest({kubelet = []}: LastWords): string | undefined {
	const told = kubelet.findLast(line => /^E\d{4} |"?err(?:or)?"?[=:]|[Ff]ailed|panic:/.test(line));
	return told?.replace(/^[EFW]\d{4} [\d:.]+ +\d+ /, '').slice(0, 300);
}

/** POSIX sh. Logs of pods are files, whatever crictl of the host can do; the newest of each component counts. */
const script = `
LC_ALL=C; export LC_ALL
echo "kubelet $(systemctl is-active kubelet 2>/dev/null)"
journalctl -u kubelet -n 20 --no-pager -o cat 2>/dev/null | cut -c 1-600 | sed 's/^/kubelet /'
for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do
	newest=$(ls -t /var/log/pods/kube-system_"$name"-*/*/*.log 2>/dev/null | head -n 1)
	[ -n "$newest" ] && tail -n 5 "$newest" | cut -c 1-600 | sed "s/^/pod $name /"
done
exit 0
`;

function parse(text: string): LastWords {
	const kubelet: string[] = [];
	const pods = new Map<string, string[]>();
	for (const line of text.split('\n').slice(0, 100)) {
		const [, about = '', rest = ''] = /^(kubelet|pod [a-z-]{1,40}) (.*)$/.exec(line) ?? [];
		if (rest.trim() === '') continue;
		if (about === 'kubelet') kubelet.push(visible(rest));
		else if (about !== '') {
			const name = about.slice('pod '.length);
			pods.set(name, [...(pods.get(name) ?? []), visible(rest)]);
		}
	}
	return {
		...(kubelet.length === 0 ? {} : {kubelet}),
		...(pods.size === 0 ? {} : {pods: Object.fromEntries(pods)}),
	};
}
