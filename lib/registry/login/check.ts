import type {OperationOptions} from '../../core/events.js';
import {RegistryError} from '../exchange/error.js';
import {createTransport, type TransportOptions} from '../exchange/transport.js';
import type {Credentials} from './credentials.js';

/**
 * Shows credentials to a registry, without asking for any repository. Resolves with false when it lets everyone in and so
 * did not look at them.
 * @throws RegistryError ERR_REGISTRY_UNAUTHORIZED when it refuses them, ERR_REGISTRY_RESPONSE when it is no registry, and as
 * every exchange
 */
export async function checkCredentials(
	host: string,
	credentials: Credentials,
	options: Omit<TransportOptions, 'credentials'> & OperationOptions = {},
): Promise<boolean> {
	let asked = false;
	const source = (): Credentials => {
		asked = true;
		return credentials;
	};
	const transport = createTransport({...options, credentials: source});
	try {
		// A mirror may have other users than the registry itself.
		const request = {host, repository: '', method: 'GET', path: '/v2/', direct: true} as const;
		const response = await transport.send(request, options);
		await response.discard();
		if (response.status === 200) return asked;
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `${host} is no registry: it answers ${response.status} to /v2/`, {
			method: 'GET',
			url: response.url,
			status: response.status,
			hint: 'Check the host and the port.',
		});
	} catch (error) {
		if (!(error instanceof RegistryError) || error.code !== 'ERR_REGISTRY_UNAUTHORIZED') throw error;
		const {message, method = 'GET', url = '', status = 401, errors, cause} = error;
		throw new RegistryError(error.code, message, {
			method,
			url,
			status,
			errors,
			hint: 'Check the user and the password.',
			cause,
		});
	} finally {
		await transport.close();
	}
}
