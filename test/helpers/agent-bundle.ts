import {join} from 'node:path';
import {digestOf} from '../../lib/oci/digest.js';
import type {AgentBundle, AgentFile} from '../../lib/runtime/agent/bundle/bundle.js';
import {agentId, formatManifest} from '../../lib/runtime/agent/bundle/manifest.js';
import {agentProtocol} from '../../lib/runtime/agent/protocol.js';

/**
 * An agent of two small files that runs the compiled agent of this working copy with the Node of the tests.
 * `node` is another text for what should be Node.
 */
export function smallBundle(version = '1.0.0', node?: string): AgentBundle {
	const files = [
		file(
			'agent.js',
			0o644,
			`await import(${JSON.stringify(join(process.cwd(), '.build/bin/agent.js'))}); // ${version}\n`,
		),
		file('node', 0o755, node ?? `#!/bin/sh\nexec '${process.execPath}' "$@"\n`),
		file('package.json', 0o644, '{"type":"module"}\n'),
	];
	const manifest = {
		version,
		protocol: agentProtocol,
		platform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64',
		node: '22.0.0',
		koffi: '3.0.0',
		needs: {glibc: '2.28'},
		files: Object.fromEntries(
			files.map(({name, digest, sizeBytes, mode}) => [
				name,
				{digest, sizeBytes, mode: mode === 0o755 ? ('0755' as const) : ('0644' as const)},
			]),
		),
	};
	const text = formatManifest(manifest);
	const last = file('agent.json', 0o644, text.toString());
	return {id: agentId(text), platform: manifest.platform, manifest, files: [...files, last]};
}

function file(name: string, mode: number, text: string): AgentFile {
	const bytes = Buffer.from(text);
	return {name, mode, sizeBytes: bytes.length, digest: digestOf(bytes), content: {kind: 'bytes', bytes}};
}
