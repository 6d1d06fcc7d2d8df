import type {HostFinding} from '../../preflight/finding.js';
import {yearsAfter} from '../authority.js';
import {promisedYears} from '../cluster/judge-item.js';
import type {HostCertificates} from './check.js';
import {placeOf} from './endpoints.js';
import {authorityFiles, type CheckedCertificate} from './row.js';

/** Every finding of every host, then those of all hosts together. */
export function findingsOf(hosts: readonly HostCertificates[], now: Date, days: number): readonly HostFinding[] {
	const alone = hosts.flatMap(host => [
		...absent(host),
		...unreadable(host),
		...host.rows.flatMap(row => ofRow(row, now, days)),
		...kubeconfigs(host),
		...live(host),
		...renewal(host),
		...short(host),
	]);
	return [...merged(alone), ...differing(hosts)];
}

function finding(
	host: string,
	id: string,
	severity: 'error' | 'warning',
	what: string,
	[why, mend]: readonly [string, string],
): HostFinding {
	return {id, severity, hosts: [host], what, why, mend};
}

const renewAdvice =
	'Have it made anew: move the file and its key away, and make the certificates of the cluster again.';

/** Silence would look like health: whoever asks expects certificates. */
function absent({host, rows, unreadable: places}: HostCertificates): readonly HostFinding[] {
	if (rows.length > 0 || places.length > 0) return [];
	return [
		finding(host, 'certificates-missing', 'error', 'No certificate of Kubernetes was found', [
			'The host is in no cluster, another user reads it than root, or its disk is elsewhere.',
			'Name hosts of a cluster; when another system runs there, name the folder of the disk with --host-root.',
		]),
	];
}

function unreadable({host, unreadable: places}: HostCertificates): readonly HostFinding[] {
	return places.map(({place}) =>
		finding(host, 'certificate-unreadable', 'error', `${place} holds no certificate that can be read`, [
			'What needs it does not start the next time.',
			renewAdvice,
		]),
	);
}

function ofRow(row: CheckedCertificate, now: Date, days: number): readonly HostFinding[] {
	const {host, item, place, chain, daysLeft, endsAt, notAfter, notBefore, isAuthority, source} = row;
	const name = source === 'served' ? `what ${item} serves at ${place}` : place;
	const date = endsAt.slice(0, 10);
	const through = endsAt === notAfter ? '' : ', with its authority';
	const found: HostFinding[] = [];
	const add = (id: string, severity: 'error' | 'warning', what: string, advice: readonly [string, string]): void =>
		void found.push(finding(host, id, severity, what, advice));
	const mend = isAuthority ? 'Plan the change of the authority: all that it signed has to be made anew.' : renewAdvice;
	if (daysLeft < 0)
		add('certificate-expired', 'error', `${name} ended on ${date}${through}`, ['Nobody accepts it any more.', mend]);
	else if (daysLeft < days) {
		const left = `in ${daysLeft} days`;
		add('certificate-ends', 'error', `${name} ends ${left}, on ${date}${through}`, [
			'Nobody accepts it from then on.',
			mend,
		]);
	}
	if (new Date(notBefore) > now)
		add('certificate-not-yet', 'error', `${name} is not valid before ${notBefore.slice(0, 10)}`, [
			'Nobody accepts it yet.',
			'Compare the clocks of the host and of the machine that made it.',
		]);
	if (chain === 'another-authority' || chain === 'unknown')
		add(
			'certificate-chain',
			'error',
			`${name} is signed by ${row.issuer}, which is not the authority that it should be from`,
			['Those who know the authority of this cluster do not accept it.', renewAdvice],
		);
	if (chain === 'self-signed' && !isAuthority)
		add('certificate-self-signed', 'warning', `${name} is signed by itself`, [
			'Nobody can check it, and whoever made it made it for a short time.',
			'Give the component a certificate of the cluster: docs/certificates.md says how.',
		]);
	return found;
}

/** Clients that trust another authority than the servers' do not get in. */
function kubeconfigs({host, observed}: HostCertificates): readonly HostFinding[] {
	const authority = observed.files.get(authorityFiles[0] ?? '');
	if (authority === undefined) return [];
	const body = (pem: string): string => pem.replaceAll(/\s/g, '');
	const known = body(authority);
	return [...observed.kubeconfigs]
		.filter(
			([, {authorityPem}]) =>
				authorityPem !== undefined && !known.includes(body(authorityPem)) && !body(authorityPem).includes(known),
		)
		.map(([path]) =>
			finding(host, 'kubeconfig-authority', 'error', `${path} trusts another authority than ${authorityFiles[0]}`, [
				'It cannot reach the API.',
				'Make the kubeconfig anew.',
			]),
		);
}

function live({host, served, rows}: HostCertificates): readonly HostFinding[] {
	return served.flatMap(answer => {
		const {endpoint} = answer;
		const place = placeOf(endpoint);
		if (!('pem' in answer)) {
			const id = answer.isRefused ? 'endpoint-silent' : 'endpoint-unknown';
			return [
				finding(host, id, 'warning', `${endpoint.component} could not be asked at ${place}: ${answer.why}`, [
					'What it serves is not known; the file on disk may be another.',
					'Look whether it runs, and ask again.',
				]),
			];
		}
		const shown = rows.find(row => row.source === 'served' && row.place === place);
		const file = rows.find(row => row.source === 'file' && row.place === endpoint.file);
		if (shown === undefined || file === undefined || shown.sha256 === file.sha256) return [];
		return [
			finding(
				host,
				'served-another',
				'warning',
				`${endpoint.component} serves another certificate at ${place} than ${endpoint.file}`,
				['It read the file before it was replaced.', `Restart ${endpoint.component} on the host.`],
			),
		];
	});
}

/** Who renews later, and for how long. */
function renewal({host, observed}: HostCertificates): readonly HostFinding[] {
	const found: HostFinding[] = [];
	const manager = observed.components.get('kube-controller-manager');
	const duration = manager?.get('cluster-signing-duration') ?? '8760h0m0s';
	const hours = Number(/^(\d{1,8})h/.exec(duration)?.[1] ?? 0);
	// 99 years of 365 days: what a signer was told that had the promise in mind.
	if (manager !== undefined && hours < promisedYears * 8760)
		found.push(
			finding(host, 'signing-duration', 'warning', `Certificates that kubelets ask for live ${daysText(hours)}`, [
				'Kubelets renew theirs by themselves, but one that is off for longer does not come back.',
				'Give kube-controller-manager --cluster-signing-duration=876000h.',
			]),
		);
	if (observed.components.get('kubelet')?.get('rotateCertificates') === 'false')
		found.push(
			finding(host, 'kubelet-rotation', 'warning', 'The kubelet does not renew its certificate', [
				'The node is lost to the cluster when it ends.',
				'Set rotateCertificates: true in /var/lib/kubelet/config.yaml, and restart the kubelet.',
			]),
		);
	return found;
}

/** Certificates that others made for a shorter time; one finding for all of a host. */
function short({host, rows}: HostCertificates): readonly HostFinding[] {
	const isShort = ({isAuthority, source, notBefore, notAfter, endsAt, chain}: CheckedCertificate): boolean =>
		source === 'file' &&
		!isAuthority &&
		chain === 'ok' &&
		endsAt === notAfter &&
		new Date(notAfter) < yearsAfter(new Date(notBefore), promisedYears);
	const items = rows.filter(isShort).map(({item}) => item);
	if (items.length === 0) return [];
	return [
		finding(host, 'certificate-short', 'warning', `Made for less than ${promisedYears} years: ${items.join(', ')}`, [
			'Somebody has to renew them in time.',
			'Make the certificates of the cluster again; "kubeadm certs renew" gives a year below Kubernetes 1.31.',
		]),
	];
}

/** Hosts of one cluster know one authority of each kind. */
function differing(hosts: readonly HostCertificates[]): readonly HostFinding[] {
	return authorityFiles.flatMap(path => {
		const holders = hosts.flatMap(({host, rows}) =>
			rows.filter(row => row.place === path).map(({sha256}) => ({host, sha256})),
		);
		const [first] = holders;
		const others = holders.filter(({sha256}) => sha256 !== first?.sha256);
		if (first === undefined || others.length === 0) return [];
		return [
			{
				id: 'authorities-differ',
				severity: 'error' as const,
				hosts: others.map(({host}) => host),
				what: `${path} is another one than that of ${first.host}`,
				why: 'These hosts do not accept each other; they are of different clusters, or an authority was replaced on some of them.',
				mend: 'Check the clusters one by one, or bring the authority of the others to these hosts.',
			},
		];
	});
}

/** The same about several hosts is said once. */
function merged(findings: readonly HostFinding[]): readonly HostFinding[] {
	const byText = new Map<string, HostFinding>();
	for (const one of findings) {
		const key = JSON.stringify([one.id, one.what]);
		const known = byText.get(key);
		byText.set(key, known === undefined ? one : {...known, hosts: [...known.hosts, ...one.hosts]});
	}
	return [...byText.values()];
}

function daysText(hours: number): string {
	return `${Math.round(hours / 24)} days`;
}
