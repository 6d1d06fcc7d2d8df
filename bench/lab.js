import {spawnSync} from 'node:child_process';
import {cpus, totalmem} from 'node:os';

/** Runs this program again, with --inside, in the network of the lab: its hosts are reached from there only. */
export function enterLab() {
	const argv = ['.build/test/lab/lab.js', 'exec', process.execPath, ...process.argv.slice(1), '--inside'];
	process.exitCode = spawnSync(process.execPath, argv, {stdio: 'inherit'}).status ?? 1;
}

/** What the hosts of the lab share, in words. */
export function machineOfLab() {
	return `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}
