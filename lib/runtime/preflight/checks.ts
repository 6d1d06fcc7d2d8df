import type {CheckTopic, FleetCheck, HostCheck} from './check.js';
import {clockChecks, clockFleetChecks} from './clock.js';
import {diskChecks} from './disks.js';
import {hardwareChecks} from './hardware.js';
import {identityChecks, identityFleetChecks} from './identity.js';
import {kernelChecks} from './kernel.js';
import {networkChecks, networkFleetChecks} from './network.js';
import {overlapChecks} from './overlap.js';
import {securityChecks} from './security.js';
import {softwareChecks} from './software.js';
import {systemChecks} from './system.js';

export const hostChecks: readonly HostCheck[] = [
	...systemChecks,
	...kernelChecks,
	...hardwareChecks,
	...diskChecks,
	...identityChecks,
	...clockChecks,
	...networkChecks,
	...softwareChecks,
	...securityChecks,
];

export const fleetChecks: readonly FleetCheck[] = [
	...identityFleetChecks,
	...clockFleetChecks,
	...networkFleetChecks,
	...overlapChecks,
];

/** Every check with the id of its findings, for documentation and for those who choose what to ignore. */
export const preflightTopics: readonly CheckTopic[] = [...hostChecks, ...fleetChecks].map(
	({id, severity, why, mend}) => ({id, severity, why, mend}),
);
