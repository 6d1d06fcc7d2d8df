import {setTimeout as sleep} from 'node:timers/promises';
import {createAuthority, issueLeaf} from '../../../lib/runtime/pki/authority.js';
import type {Second} from './second.js';
import {type ServerName, type Site, serverNames} from './site.js';

export interface Load {
	/** New connections. */
	readonly perSecond: number;
	/** Connections that stay. */
	readonly long: number;
}

/** A balancer at work for three servers, with traffic all the time. */
export interface Scene extends Load {
	readonly site: Site;
	/** What became of the traffic, second by second, and what the balancer told; times are those of the node. */
	readonly seconds: readonly Second[];
	readonly events: readonly BalancerEvent[];
	/** The node's clock. */
	now(): number;
	/** Waits for so many good seconds in a row after a time. */
	until(isGood: (second: Second) => boolean, afterMs: number, inARow?: number): Promise<void>;
	/** Writes the balancer's file anew. */
	configure(members: readonly ServerName[], drainMs?: number): void;
	startServer(name: ServerName): void;
	setMode(name: ServerName, mode: 'ok' | 'unready' | 'slow'): void;
	close(): Promise<void>;
}

export interface BalancerEvent {
	readonly at: number;
	readonly type: string;
	readonly code?: string;
	readonly member?: string;
	readonly from?: string;
	readonly to?: string;
	readonly change?: string;
	readonly message?: string;
}

/** How long anything may take before a scene is given up: a starved machine is no finding. */
const patienceSeconds = 120;

/** Starts servers, balancer and traffic, and waits until every server answers. */
export async function setScene(site: Site, {perSecond, long}: Load): Promise<Scene> {
	const home = site.folder('node');
	await putCertificates(site);

	const seconds: Second[] = [];
	const events: BalancerEvent[] = [];
	const waiting = new Set<() => void>();
	let offsetMs = Number.NEGATIVE_INFINITY;
	const scene: Scene = {
		...{site, seconds, events, perSecond, long},
		now: () => Date.now() + offsetMs,
		until: (isGood, afterMs, inARow = 2) =>
			new Promise((resolve, reject) => {
				const look = (): void => {
					const since = seconds.filter(({at}) => at - 1000 >= afterMs);
					const isOver = since.length >= inARow && since.slice(-inARow).every(isGood);
					if (!isOver && since.length < patienceSeconds) return;
					waiting.delete(look);
					if (isOver) resolve();
					else reject(new Error(`It never came to that: ${JSON.stringify([since.slice(-4), events.slice(-8)])}`));
				};
				waiting.add(look);
			}),
		configure(members, drainMs = 60_000) {
			const config = {
				address: site.virtual,
				members: members.map(name => memberOf(site, name)),
				probe: {caFile: `${home}/ca.crt`},
				policy: {drainMs},
			};
			site.run('node', `cat > ${home}/lb.new; mv ${home}/lb.new ${home}/lb.json`, JSON.stringify(config));
		},
		startServer(name) {
			site.run(name, `rm -f ${site.folder(name)}/mode`);
			site.start(name, 'server', [name, site.folder(name)]);
		},
		setMode(name, mode) {
			site.run(name, `echo ${mode} > ${site.folder(name)}/mode`);
		},
		close: () => site.close(),
	};
	for (const name of serverNames) scene.startServer(name);
	scene.configure(serverNames);
	site.start('node', 'daemon', [home, site.form], line => {
		if (line.startsWith('{')) events.push(JSON.parse(line) as BalancerEvent);
	});
	try {
		// A connection that is begun before there are rules is not heard of, and the kernel tries it again after 1, 3, 7, 15 and 31 seconds.
		await hasBegun(events);
		site.start('node', 'traffic', [site.virtual, String(perSecond), String(long)], line => {
			const second = JSON.parse(line) as Second;
			// The way of a line takes a moment; the shortest one tells how far the node's clock is ahead of ours.
			offsetMs = Math.max(offsetMs, second.at - Date.now());
			seconds.push(second);
			for (const look of [...waiting]) look();
		});
		await scene.until(onlyBy(scene, serverNames), 0);
		// Of a server that came up later than the others no long connection waited.
		await shareLong(scene);
	} catch (error) {
		await site.close();
		throw error;
	}
	return scene;
}

async function hasBegun(events: readonly BalancerEvent[]): Promise<void> {
	for (let tries = 0; tries < 10 * patienceSeconds; tries++) {
		if (events.some(({type}) => type === 'balancer.member')) return;
		await sleep(100);
	}
	throw new Error('The balancer never began');
}

/** What servers prove themselves with, and what they are checked with. */
export async function putCertificates(site: Site): Promise<void> {
	const authority = await createAuthority({subject: {commonName: 'scene'}});
	for (const name of serverNames) {
		const leaf = await issueLeaf(authority, {
			subject: {commonName: 'kube-apiserver'},
			purposes: ['server'],
			alternativeNames: [site.addresses[name]],
		});
		site.run(name, `cat > ${site.folder(name)}/key.pem`, leaf.keyPem.reveal());
		site.run(name, `cat > ${site.folder(name)}/cert.pem; sync`, leaf.certPem);
	}
	site.run('node', `cat > ${site.folder('node')}/ca.crt; sync`, authority.certPem);
}

export function memberOf({addresses}: Site, name: ServerName): string {
	return addresses[name].includes(':') ? `[${addresses[name]}]:6443` : `${addresses[name]}:6443`;
}

/** No new connection fails, exactly these servers answer, and all long connections live; where nobody should answer, nobody does. */
export function onlyBy(scene: Scene, names: readonly ServerName[]): (second: Second) => boolean {
	if (names.length === 0) return ({by}) => total(by) === 0;
	const wanted = [...names].sort().join();
	return ({failed, by, long, stuck}) =>
		failed === 0 && stuck === 0 && total(long) === scene.long && Object.keys(by).sort().join() === wanted;
}

/**
 * Opens the long connections anew until each server has some. Once is not enough where the machine is busy: a server that looks dead at that moment gets
 * none, and long ones stay where they are.
 */
export async function shareLong(scene: Scene): Promise<void> {
	for (let tries = 0; tries < 20; tries++) {
		scene.site.signal('node', 'traffic', 'SIGUSR2');
		await scene.until(onlyBy(scene, serverNames), scene.now() + 1000, 1);
		if (Object.keys(scene.seconds.at(-1)?.long ?? {}).length === serverNames.length) return;
	}
	throw new Error(`Some server never got a long connection: ${JSON.stringify(scene.seconds.slice(-4))}`);
}

export function total(counts: Readonly<Record<string, number>>): number {
	return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
