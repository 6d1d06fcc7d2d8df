import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {build} from 'esbuild';
import {copyToHost, onHost} from '../lab/hosts.js';
import {putNode} from '../lab/node-on-host.js';

/** Where `putAgent` puts it. */
export const agentOnHost = '/opt/agent/sealimage-agent';

/** Puts the agent of this working copy on a host, with the Node that runs the tests: what is installed otherwise comes over a network. */
export async function putAgent(name: string): Promise<void> {
	if (onHost(name, 'ls /opt').split('\n').includes('agent')) return;
	const scratch = mkdtempSync(join(tmpdir(), 'sealimage-agent-'));
	const dir = join(scratch, 'agent');
	try {
		await build({
			entryPoints: ['.build/bin/agent.js'],
			outfile: join(dir, '.build/bin/agent.mjs'),
			external: ['koffi'],
			...{bundle: true, platform: 'node', format: 'esm', logLevel: 'silent'},
			banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);"},
		});
		// Two folders up, where a working copy has it.
		writeFileSync(join(dir, 'package.json'), JSON.stringify({version: '0.0.0-test'}));
		writeFileSync(
			join(dir, 'sealimage-agent'),
			`#!/bin/sh\nexec ${putNode(name)} /opt/agent/.build/bin/agent.mjs "$@"\n`,
			{
				mode: 0o755,
			},
		);
		copyToHost(name, dir, '/opt');
		onHost(name, 'sync');
	} finally {
		rmSync(scratch, {recursive: true});
	}
}
