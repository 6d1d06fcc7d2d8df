import {copyFileSync, existsSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import {onHost} from './hosts.js';
import {baseDir} from './place.js';

/** Where hosts see the folder of their base, as it is on this machine. */
const folder = '/opt/base';
/** The Node that runs the tests, as hosts see it. */
export const sharedNode: string = `${folder}/node-${process.version}`;
/** A shell line that makes it be seen: after each boot, and harmless when it is seen already. */
export const seeSharedNode = `mkdir -p ${folder}; mountpoint -q ${folder} || mount -r -t hostfs -o hostfs=/base none ${folder}`;

/**
 * Lets a host run the Node that runs the tests, read from this machine as it is wanted: to copy it to each disk takes longer than most tests.
 * @returns `sharedNode`
 */
export function nodeOnHost(name: string): string {
	const shared = join(baseDir(), `node-${process.version}`);
	if (!existsSync(shared)) {
		copyFileSync(process.execPath, `${shared}.${process.pid}`);
		renameSync(`${shared}.${process.pid}`, shared);
	}
	onHost(name, `${seeSharedNode}; test -x ${sharedNode}`);
	return sharedNode;
}

/**
 * Puts a program on a host that is that Node, after a power cut too: it is there at once, where a copy of a hundred megabytes takes longer than most tests.
 * @returns its path on the host
 */
export function putNode(name: string): string {
	const path = '/opt/node';
	const script = `#!/bin/sh\n${seeSharedNode}\nexec ${nodeOnHost(name)} "$@"\n`;
	onHost(name, `cat > ${path}; chmod +x ${path}`, script);
	return path;
}
