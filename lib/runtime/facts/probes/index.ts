import type {Probe} from '../probe.js';
import {clockProbe} from './clock.js';
import {hardwareProbe} from './hardware.js';
import {identityProbe} from './identity.js';
import {kernelProbe} from './kernel.js';
import {modulesProbe} from './modules.js';
import {namesProbe} from './names.js';
import {networkProbe} from './network.js';
import {pathsProbe} from './paths.js';
import {portsProbe} from './ports.js';
import {routesProbe} from './routes.js';
import {securityProbe} from './security.js';
import {softwareProbe} from './software.js';
import {sysctlsProbe} from './sysctls.js';
import {systemProbe} from './system.js';

/** In the order of the script. The clock is first; the modules need what the system probe learns, the kernel's release. */
export const probes: readonly Probe<unknown>[] = [
	clockProbe,
	systemProbe,
	identityProbe,
	kernelProbe,
	modulesProbe,
	hardwareProbe,
	pathsProbe,
	networkProbe,
	routesProbe,
	namesProbe,
	securityProbe,
	softwareProbe,
	sysctlsProbe,
	portsProbe,
];
