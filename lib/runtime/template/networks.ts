import {addressBytes, addressText} from '../../core/ip-address.js';
import {formatCidr, parseCidr} from '../preflight/cidr.js';
import type {TemplateFunctions} from './render.js';

/** The functions that sealos gives to templates for addresses. */
export const networks: TemplateFunctions = {
	/** The network of an address with a prefix: `10.0.0.0/24` for `10.0.0.5/24`. */
	ipNet: (text: string) => formatCidr(parseCidr(text)),
	/** The address of this number in a network: `10.96.0.10` for `10.96.0.0/12` and 10. */
	ipAt(text: string, number: number) {
		const {first, last, family} = parseCidr(text);
		const address = first + BigInt(number);
		if (address < first || address > last) throw new Error(`${text} has no address ${number}`);
		const bytes = Buffer.from(address.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
		return addressText(addressBytes(addressText(bytes)));
	},
};
