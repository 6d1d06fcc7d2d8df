import {addressText} from '../../../core/ip-address.js';

/** The text of an address that is given as a number. */
export function addressNumber(number: bigint, family: 4 | 6): string {
	const hex = number.toString(16).padStart(family === 4 ? 8 : 32, '0');
	return addressText(Buffer.from(hex, 'hex'));
}
