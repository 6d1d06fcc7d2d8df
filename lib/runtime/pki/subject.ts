import {SealError} from '../../core/errors.js';
import {objectIdentifier, sequence, set, text} from './der.js';

/** Whom a certificate is about. Kubernetes reads a user from the common name and groups from the organizations. */
export interface Subject {
	readonly commonName: string;
	readonly organizations?: readonly string[] | undefined;
}

/**
 * The distinguished name as DER: organizations first, each in a set of its own, as Go writes it.
 * @throws SealError ERR_CERTIFICATE
 */
export function encodeSubject({commonName, organizations = []}: Subject): Buffer {
	return sequence(
		...organizations.map(name => attribute(organizationName, name)),
		attribute(commonNameAttribute, commonName),
	);
}

const commonNameAttribute = '2.5.4.3';
const organizationName = '2.5.4.10';

function attribute(type: string, name: string): Buffer {
	// RFC 5280 ends common names at 64 characters; those of kubelets (`system:node:HOST`) may be longer, and every reader takes them.
	if (name === '' || name.length > 300 || /\p{Cc}/u.test(name)) {
		throw new SealError('ERR_CERTIFICATE', `${JSON.stringify(name.slice(0, 100))} cannot be a name in a certificate`, {
			hint: 'Use 1 to 300 characters without control characters.',
		});
	}
	return set(sequence(objectIdentifier(type), text(name)));
}
