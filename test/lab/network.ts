import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {namespace, network4, network6} from './place.js';

/** Makes the namespace with its bridge, unless it is there. */
export function openNetwork(): void {
	if (existsSync(`/run/netns/${namespace}`)) return;
	ip('netns', 'add', namespace);
	inside('link', 'set', 'lo', 'up');
	inside('link', 'add', 'br0', 'type', 'bridge');
	inside('address', 'add', `${network4}.1/24`, 'dev', 'br0');
	inside('-6', 'address', 'add', `${network6}1/64`, 'dev', 'br0', 'nodad');
	inside('link', 'set', 'br0', 'up');
}

/** Plugs a host's cable in: a tap device on the bridge. */
export function plugIn(tap: string): void {
	if (!existsInside(tap))
		execFileSync('ip', ['netns', 'exec', namespace, 'ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap']);
	inside('link', 'set', tap, 'master', 'br0');
	inside('link', 'set', tap, 'up');
}

/** Cuts or mends a host's cable: packets vanish, nobody is told. */
export function setCable(tap: string, state: 'in' | 'out'): void {
	// The device itself stays up: User-Mode Linux does not get over writing to one that is down.
	inside('link', 'set', tap, ...(state === 'in' ? ['master', 'br0'] : ['nomaster']));
}

export function unplug(tap: string): void {
	if (existsInside(tap)) inside('link', 'delete', tap);
}

export function closeNetwork(): void {
	if (existsSync(`/run/netns/${namespace}`)) ip('netns', 'delete', namespace);
}

/** The command line that runs `argv` where the hosts can be reached. */
export function insideNetwork(argv: readonly string[]): readonly [string, readonly string[]] {
	return ['ip', ['netns', 'exec', namespace, ...argv]];
}

function existsInside(device: string): boolean {
	try {
		inside('link', 'show', device);
		return true;
	} catch {
		return false;
	}
}

function inside(...args: string[]): void {
	ip('-n', namespace, ...args);
}

function ip(...args: string[]): void {
	execFileSync('ip', args, {stdio: ['ignore', 'ignore', 'pipe']});
}
