import {unitFile} from '../../lb/unit.js';

/** Where the load balancer of a host has its files. Nothing else belongs to it, and `lb remove` takes all of them away. */
export const places = {
	agent: '/opt/sealimage/bin/sealimage-agent',
	config: '/etc/sealimage/lb.json',
	/** The authority of members, when the operator brought it. */
	authority: '/etc/sealimage/lb-ca.crt',
	unit: unitFile,
	/** What it learnt, and what was there before it came. */
	state: '/var/lib/sealimage/lb',
} as const;

/** Where kubeadm puts the authority that API servers are checked with. */
export const clusterAuthority = '/etc/kubernetes/pki/ca.crt';

export const service = {unit: 'sealimage-lb.service', failure: 'ERR_LB_INSTALL'} as const;
