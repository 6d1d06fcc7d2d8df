import {isIP} from 'node:net';
import {endpointText} from '../../../core/ip-address.js';
import {kubeletServingPlaces, pair} from '../cluster/places.js';
import type {ObservedCertificates} from './observe.js';

/** A place where a component of a host serves TLS. */
export interface TlsEndpoint {
	/** `kube-apiserver`, `etcd`, `etcd peers`, `kubelet` ... */
	readonly component: string;
	readonly address: string;
	readonly port: number;
	/** The file with the certificate that it should serve; undefined where it makes one itself. */
	readonly file: string | undefined;
}

/** `127.0.0.1:10257` */
export function placeOf(endpoint: TlsEndpoint): string {
	return endpointText(endpoint);
}

/** Where the components of a host should serve, by their own flags, in an order that people expect. */
export function endpointsOf({files, components, registry}: ObservedCertificates): readonly TlsEndpoint[] {
	const found: TlsEndpoint[] = [];
	const add = (component: string, address: string, port: number, file: string | undefined): void => {
		if (isIP(address) !== 0 && Number.isInteger(port) && port > 0 && port < 65_536)
			found.push({component, address, port, file});
	};
	const serving = (name: string, port: number, defaultFile?: string): void => {
		const flags = components.get(name);
		if (flags === undefined) return;
		const address = bound(flags.get('bind-address') ?? '');
		add(name, address, Number(flags.get('secure-port') ?? port), flags.get('tls-cert-file') ?? defaultFile);
	};
	serving('kube-apiserver', 6443, pair('apiserver').certificate);
	const etcd = components.get('etcd');
	if (etcd !== undefined) {
		const clients = firstUrl(etcd.get('listen-client-urls') ?? 'https://127.0.0.1:2379');
		add('etcd', clients.address, clients.port, etcd.get('cert-file'));
		const peers = firstUrl(etcd.get('listen-peer-urls') ?? '');
		add('etcd peers', peers.address, peers.port, etcd.get('peer-cert-file'));
	}
	serving('kube-controller-manager', 10_257);
	serving('kube-scheduler', 10_259);
	const kubelet = components.get('kubelet');
	if (kubelet !== undefined) {
		const standing = ['/var/lib/kubelet/pki/kubelet-server-current.pem', kubeletServingPlaces.certificate];
		const file = kubelet.get('tlsCertFile') ?? standing.find(path => files.has(path));
		add('kubelet', bound(kubelet.get('address') ?? ''), Number(kubelet.get('port') ?? 10_250), file);
	}
	const network = registry?.network;
	if (network !== undefined) add('registry', bound(network.address), network.port, network.certificate);
	return found;
}

/** What listens on every address is asked on loopback. */
function bound(address: string): string {
	if (address === '::') return '::1';
	return address === '' || address === '0.0.0.0' ? '127.0.0.1' : address;
}

function firstUrl(list: string): {readonly address: string; readonly port: number} {
	const [, bracketed, plain, port] = /^https:\/\/(?:\[([^\]]+)\]|([^:,/]+)):(\d{1,5})/.exec(list) ?? [];
	return {address: bracketed ?? bound(plain ?? 'none'), port: Number(port)};
}
