import {createHash} from 'node:crypto';
import {hashSync} from 'bcryptjs';

/** A line of an htpasswd file, at the lowest cost there is. */
export function htpasswdLine(user: string, password: string): string {
	return `${user}:${hashSync(password, 4)}`;
}

export function tokenHash(token: string): string {
	return `sha256:${createHash('sha256').update(token).digest('hex')}`;
}

export function basic(user: string, password: string): string {
	return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
