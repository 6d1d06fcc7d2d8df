import {copyFileSync, existsSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import {onHost} from './hosts.js';
import {baseDir} from './place.js';

/** Where hosts see the folder of their base, as it is on this machine. */
const folder = '/opt/base';

/**
 * Lets a host run the Node that runs the tests, read from this machine as it is wanted: to copy it to each disk takes longer than most tests. Again after a power cut.
 * @returns its path on the host
 */
export function nodeOnHost(name: string): string {
	const own = `node-${process.version}`;
	const shared = join(baseDir(), own);
	if (!existsSync(shared)) {
		copyFileSync(process.execPath, `${shared}.${process.pid}`);
		renameSync(`${shared}.${process.pid}`, shared);
	}
	onHost(
		name,
		`mkdir -p ${folder}; mountpoint -q ${folder} || mount -r -t hostfs -o hostfs=/base none ${folder}; test -x ${folder}/${own}`,
	);
	return `${folder}/${own}`;
}
