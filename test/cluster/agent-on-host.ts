import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {build} from 'esbuild';
import {copyToHost, onHost} from '../lab/hosts.js';

/** Where `putAgent` puts it. */
export const agentOnHost = '/opt/agent/sealimage-agent';

/** Puts the agent of this working copy on a host, with the Node that runs the tests: what is installed otherwise comes over a network. */
export async function putAgent(name: string): Promise<void> {
	if (onHost(name, 'ls /opt').includes('agent')) return;
	const dir = mkdtempSync(join(tmpdir(), 'sealimage-agent-'));
	try {
		await build({
			entryPoints: ['.build/bin/agent.js'],
			outfile: join(dir, 'agent.mjs'),
			external: ['koffi'],
			...{bundle: true, platform: 'node', format: 'esm', logLevel: 'silent'},
			banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);"},
		});
		// Two folders up, where a working copy has it.
		writeFileSync(join(dir, 'package.json'), JSON.stringify({version: '0.0.0-test'}));
		writeFileSync(
			join(dir, 'sealimage-agent'),
			'#!/bin/sh\nexec /opt/agent/node /opt/agent/.build/bin/agent.mjs "$@"\n',
			{
				mode: 0o755,
			},
		);
		copyToHost(name, process.execPath, '/opt/agent');
		copyToHost(name, join(dir, 'agent.mjs'), '/opt/agent/.build/bin');
		for (const file of ['package.json', 'sealimage-agent']) copyToHost(name, join(dir, file), '/opt/agent');
		onHost(name, `chmod +x ${agentOnHost} && sync`);
	} finally {
		rmSync(dir, {recursive: true});
	}
}
