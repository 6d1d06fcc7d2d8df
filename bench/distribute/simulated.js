import {simulateDistribution} from '../../dist/lib/index.js';

const sizeBytes = 1e9;

/** A gigabyte to so many hosts at 1 Gb/s each way, half a millisecond apart, under the scheduler that real hosts get. */
export async function simulateAll(counts) {
	const rows = [];
	for (const hosts of counts) {
		const before = process.cpuUsage();
		const done = await simulateDistribution({hosts, blobSizes: [sizeBytes]});
		const {user, system} = process.cpuUsage(before);
		const row = {
			hosts,
			seconds: done.elapsedMs / 1000,
			boundSeconds: done.boundMs / 1000,
			directSeconds: done.directMs / 1000,
			copies: done.copies,
			mostGivenCopies: done.mostGivenBytes / sizeBytes,
			cpuSeconds: (user + system) / 1e6,
			residentMB: process.memoryUsage.rss() / 1e6,
		};
		rows.push(row);
		console.error(`simulated ${hosts}: ${row.seconds.toFixed(1)} s`);
	}
	return rows;
}
