import {openIpvs} from '../../../../lib/lb/ipvs/kernel.js';
import type {ServiceKey} from '../../../../lib/lb/ipvs/table.js';

/** What somebody else does in the table of IPVS: `flush`, `fill COUNT`. */
const [, , verb = '', count = '0'] = process.argv;
const ipvs = await openIpvs();
const isOther = ({port}: ServiceKey): boolean => port === 80;
switch (verb) {
	case 'flush':
		console.log(Date.now());
		for (const service of ipvs.services()) ipvs.deleteService(service);
		break;
	case 'fill':
		for (const service of ipvs.services().filter(isOther)) ipvs.deleteService(service);
		for (let i = 0; i < Number(count); i++) {
			const service = {protocol: 'tcp', address: `10.96.${i >> 8}.${i & 255}`, port: 80, scheduler: 'rr'} as const;
			ipvs.addService(service);
			ipvs.addDestination(service, {address: '10.244.0.9', port: 80, forwarding: 'masquerade', weight: 1});
		}
}
ipvs.close();
