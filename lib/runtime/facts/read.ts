import {SealError} from '../../core/errors.js';
import {type Answers, readAnswers} from './answers.js';
import type {ClockFacts, HostFacts} from './facts.js';
import {clockProbe, type HostTime} from './probes/clock.js';
import {hardwareProbe} from './probes/hardware.js';
import {identityProbe} from './probes/identity.js';
import {kernelProbe} from './probes/kernel.js';
import {modulesProbe} from './probes/modules.js';
import {namesProbe} from './probes/names.js';
import {networkProbe} from './probes/network.js';
import {pathsProbe} from './probes/paths.js';
import {portsProbe} from './probes/ports.js';
import {routesProbe} from './probes/routes.js';
import {securityProbe} from './probes/security.js';
import {softwareProbe} from './probes/software.js';
import {sysctlsProbe} from './probes/sysctls.js';
import {systemProbe} from './probes/system.js';
import {clockServices, type Wanted} from './wanted.js';

/** Between which moments, by the operator's clock, the host told its time. */
export interface Asked {
	readonly sentMs: number;
	readonly receivedMs: number;
}

/**
 * Makes facts of what the script printed. Whatever the text is, there are facts or there is an ERR_FACTS.
 * @throws SealError ERR_FACTS when the script did not come to its end, or the host is no Linux
 */
export function readFacts(host: string, output: Uint8Array, wanted: Wanted, asked: Asked): HostFacts {
	return factsOf(host, readAnswers(output), wanted, asked);
}

/** As `readFacts`, of what is sorted already. @throws SealError ERR_FACTS */
export function factsOf(host: string, answers: Answers, wanted: Wanted, asked: Asked): HostFacts {
	const kind = answers.said('uname')[0]?.split(' ')[0] ?? answers.line('/proc/sys/kernel/ostype');
	if (kind !== undefined && kind !== 'Linux') {
		throw new SealError('ERR_FACTS', `The host runs ${kind.slice(0, 40)}, not Linux`, {
			hint: 'Use hosts that run Linux.',
		});
	}
	if (!answers.complete) {
		const last = answers.last?.slice(0, 100);
		throw new SealError(
			'ERR_FACTS',
			last === undefined ? 'The host told no facts' : `The facts end early, after "${last}"`,
			{
				hint: 'Log in to the host with ssh and see whether a POSIX shell starts there.',
			},
		);
	}
	const {uid, ...hardware} = hardwareProbe.read(answers, wanted);
	const modules = modulesProbe.read(answers, wanted);
	const software = softwareProbe.read(answers, wanted);
	return {
		schema: 1,
		host,
		...(uid === undefined ? {} : {uid}),
		identity: identityProbe.read(answers, wanted),
		system: systemProbe.read(answers, wanted),
		kernel: {...kernelProbe.read(answers, wanted), modules: modules.states, modulesFolder: modules.folder},
		hardware,
		clock: readClock(clockProbe.read(answers, wanted), asked, software.services),
		paths: pathsProbe.read(answers, wanted),
		network: {
			interfaces: networkProbe.read(answers, wanted),
			routes: routesProbe.read(answers, wanted),
			...namesProbe.read(answers, wanted),
		},
		security: securityProbe.read(answers, wanted),
		software,
		ports: portsProbe.read(answers, wanted),
		sysctls: sysctlsProbe.read(answers, wanted),
	};
}

/**
 * The host told its time somewhere between sending and receiving: the offset is taken for the middle of that, and half of it is
 * the error.
 */
function readClock(time: HostTime | undefined, asked: Asked, services: readonly string[]): ClockFacts {
	const service = services.find(name => clockServices.includes(name))?.replace(/\.service$/, '');
	const kept = service === undefined ? {} : {service};
	if (time === undefined) return kept;
	const earliest = time.epochMs - asked.receivedMs;
	const latest = time.epochMs + time.coarseMs - asked.sentMs;
	return {
		offsetMs: Math.round((earliest + latest) / 2),
		uncertaintyMs: Math.ceil(Math.abs(latest - earliest) / 2),
		...kept,
	};
}
