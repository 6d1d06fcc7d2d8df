import {readFileSync} from 'node:fs';
import {createProber} from '../../../../lib/lb/health.js';
import {readSpec} from '../../../../lib/lb/spec.js';

/** Probes a member once, and at each SIGUSR2 so many times more, over one connection. A line says that it is done. */
const [, , address, authority, count] = process.argv as [string, string, string, string, string];
const {members, probe} = readSpec({members: [address], address: '192.0.2.1'}, 'the arguments');
const [member] = members;
if (member === undefined) throw new Error('There is no member');
const prober = createProber(member, probe, readFileSync(authority, 'latin1'));
const round = async (times: number): Promise<void> => {
	for (let i = 0; i < times; i++) {
		const result = await prober.probe();
		if (result.kind !== 'ready') throw new Error(JSON.stringify(result));
	}
	process.stdout.write('done\n');
};
process.on('SIGUSR2', () => void round(Number(count)));
// Signals alone keep no process alive.
setInterval(() => {}, 60_000);
await round(1);
