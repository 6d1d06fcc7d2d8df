import {X509Certificate} from 'node:crypto';
import {isIP} from 'node:net';
import {checkServerIdentity, type PeerCertificate} from 'node:tls';

/** Why a certificate is not for a host; undefined when it is. Node's own check refuses every IPv6 address in some versions (22.23). */
export function identityProblem(host: string, certificate: PeerCertificate): Error | undefined {
	const address = host.replace(/^\[(.*)\]$/, '$1');
	const isFor = isIP(address) !== 0 && new X509Certificate(certificate.raw).checkIP(address) !== undefined;
	return isFor ? undefined : checkServerIdentity(address, certificate);
}
