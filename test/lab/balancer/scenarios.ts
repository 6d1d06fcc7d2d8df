import {setTimeout as sleep} from 'node:timers/promises';
import type {Scene} from './scene.js';
import {type ServerName, serverNames} from './site.js';

/** A trouble, and how it ends. */
export interface Scenario {
	readonly title: string;
	/** Whose connections it may cost; for all others the balancer has no reason to do anything. */
	readonly troubled: readonly ServerName[];
	/** Who answers when the balancer has done what there is to do. Default: all but the troubled. */
	readonly answering?: readonly ServerName[];
	/** No new connection may fail. */
	readonly costsNothing?: true;
	/** No long connection may be cut. */
	readonly keepsLong?: true;
	/** How long it has to be so. Default 2. */
	readonly seconds?: number;
	readonly begin: (scene: Scene) => Promise<Begun | undefined> | Begun | undefined;
	/** Puts everything back. */
	readonly end?: (scene: Scene) => Promise<void> | undefined;
}

export interface Begun {
	/** When the trouble began, on the node's clock; where it is not said, when it was asked for. */
	readonly at?: number;
	/** What else there is to tell. */
	readonly note?: string;
}

/** A plain action is one that nobody has to wait for. */
const does =
	(action: (scene: Scene) => void) =>
	(scene: Scene): undefined => {
		action(scene);
	};

export const scenarios = [
	{
		title: 'power cut',
		troubled: ['a'],
		begin: does(({site}) => site.cutPower('a')),
		end: async scene => {
			await scene.site.restorePower('a');
			scene.startServer('a');
		},
	},
	{
		title: 'cable out',
		troubled: ['b'],
		begin: does(({site}) => site.cable('b', 'out')),
		end: does(({site}) => site.cable('b', 'in')),
	},
	{
		title: 'server hangs',
		troubled: ['c'],
		begin: does(({site}) => site.signal('c', 'server', 'SIGSTOP')),
		end: does(({site}) => site.signal('c', 'server', 'SIGCONT')),
	},
	{
		title: 'server takes 5 s for everything',
		troubled: ['a'],
		begin: does(scene => scene.setMode('a', 'slow')),
		end: does(scene => scene.setMode('a', 'ok')),
	},
	{
		title: 'server hangs and comes back, three times',
		troubled: ['b'],
		answering: serverNames,
		async begin({site}) {
			for (let i = 0; i < 3; i++) {
				site.signal('b', 'server', 'SIGSTOP');
				await sleep(1500);
				site.signal('b', 'server', 'SIGCONT');
				await sleep(1500);
			}
			return undefined;
		},
	},
	{
		title: 'planned end (`/readyz` fails first)',
		troubled: ['c'],
		costsNothing: true,
		keepsLong: true,
		begin: does(scene => scene.setMode('c', 'unready')),
		end: does(scene => scene.setMode('c', 'ok')),
	},
	{
		title: 'member taken off the list and put back',
		troubled: ['a'],
		costsNothing: true,
		// Long enough to see it deleted with what it still has.
		seconds: 5,
		begin: does(scene => scene.configure(['b', 'c'], 2000)),
		end: does(scene => scene.configure(serverNames)),
	},
	{
		title: 'file broken',
		troubled: [],
		costsNothing: true,
		keepsLong: true,
		async begin(scene) {
			const {site, events} = scene;
			site.run('node', `echo '{' > ${site.folder('node')}/lb.json`);
			while (!events.some(({code, message}) => code === 'BalancerConfig' && message?.includes('it is no JSON')))
				await sleep(100);
			return undefined;
		},
		end: does(scene => scene.configure(serverNames)),
	},
	{
		title: 'balancer killed and started again',
		troubled: [],
		costsNothing: true,
		keepsLong: true,
		seconds: 4,
		begin: does(({site}) => site.signal('node', 'daemon', 'SIGKILL')),
	},
	{
		title: 'balancer upgraded',
		troubled: [],
		costsNothing: true,
		keepsLong: true,
		seconds: 4,
		async begin({site}) {
			await site.upgrade();
			return undefined;
		},
	},
	{
		title: 'table flushed by somebody else',
		troubled: serverNames,
		answering: serverNames,
		begin: ({site}) => ({at: site.flush()}),
	},
	{
		title: '10,000 services of others in the table',
		troubled: [],
		costsNothing: true,
		keepsLong: true,
		async begin(scene) {
			const {site} = scene;
			const before = await cpuOfBalancer(scene);
			site.fill(10_000);
			const others = site.others();
			const after = await cpuOfBalancer(scene);
			if (site.others() !== others) throw new Error('The services of others are not what they were');
			return {note: `the balancer takes ${after} ms of processor time a second, ${before} ms without them`};
		},
		end: does(({site}) => site.fill(0)),
	},
	{
		title: 'all servers gone and back',
		troubled: serverNames,
		answering: [],
		begin: does(({site}) => {
			for (const name of serverNames) site.stop(name, 'server');
		}),
		end: does(scene => {
			for (const name of serverNames) scene.startServer(name);
		}),
	},
] as const satisfies readonly Scenario[];

/** Milliseconds of processor time a second, over three seconds. */
async function cpuOfBalancer({site}: Scene): Promise<number> {
	const spent = (): number => {
		// proc_pid_stat(5): utime and stime, in hundredths of a second; the name before them may hold spaces.
		const fields = site
			.run('node', `cat /proc/${site.pid('node', 'daemon')}/stat`)
			.split(') ')[1]
			?.split(' ');
		return 10 * (Number(fields?.[11]) + Number(fields?.[12]));
	};
	const before = spent();
	await sleep(3000);
	return Math.round((spent() - before) / 3);
}
