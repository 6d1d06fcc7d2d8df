// Bundles the command line into few files: Node takes longer to find and read hundreds of small modules than an
// unchanged build takes to look at thousands of files. What a command needs is still loaded only when it runs.
// The agent is a few files in one folder; what differs between platforms joins them there (lib/runtime/agent/bundle).
import {copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {build} from 'esbuild';

/** Programs of their own, started by file name beside the code that starts them. */
const workers = readdirSync('lib', {recursive: true})
	.filter(file => /(?:^|[/-])worker\.ts$/.test(file))
	.map(file => join('lib', file));

const common = {
	bundle: true,
	format: 'esm',
	platform: 'node',
	legalComments: 'linked',
	// Some dependencies are CommonJS and require Node's own modules.
	banner: {js: "import {createRequire as requireFrom} from 'node:module';const require=requireFrom(import.meta.url);"},
	logLevel: 'warning',
};

rmSync('dist/bin', {recursive: true, force: true});
await build({
	...common,
	entryPoints: ['bin/sealimage.ts', ...workers].map(named),
	outdir: 'dist/bin',
	splitting: true,
	target: 'node20.19',
	// They bring native parts, which lie beside them in node_modules.
	external: ['koffi', 'node-pty', 'ssh2'],
	chunkNames: '[name]-[hash]',
});

mkdirSync('dist/agent', {recursive: true});
// Agents for platforms (npm run build:agent) stay: they are in folders.
for (const {name} of readdirSync('dist/agent', {withFileTypes: true}).filter(entry => entry.isFile()))
	rmSync(join('dist/agent', name));
/** Each is whole, so that few files travel, and what the balancer loads stays small. */
const agentParts = ['./agent-lb.js', './agent-verbs.js'];
const agentWorkers = workers.filter(file => file.includes('bcrypt'));
await build({
	...common,
	entryPoints: ['bin/agent.ts', 'bin/agent-lb.ts', 'bin/agent-verbs.ts', ...agentWorkers].map(named),
	outdir: 'dist/agent',
	target: 'node22.23',
	minifySyntax: true,
	minifyWhitespace: true,
	// For terminals, which an agent never asks for.
	external: ['node-pty', ...agentParts],
	plugins: [
		{name: 'koffi', setup: besideKoffi},
		{name: 'http', setup: requireHttp},
	],
});
// The folder has no other package.json above it on a host.
const {version} = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync('dist/agent/package.json', `${JSON.stringify({type: 'module', version})}\n`);
copyFileSync('node_modules/koffi/LICENSE.txt', 'dist/agent/koffi.LICENSE');

function named(file) {
	return {in: file, out: basename(file, '.ts')};
}

/** The package looks for its native part in node_modules; the agent has it beside itself. */
function besideKoffi(bundler) {
	bundler.onResolve({filter: /^koffi$/}, () => ({path: 'koffi', namespace: 'beside'}));
	bundler.onLoad({filter: /.*/, namespace: 'beside'}, () => ({
		contents: "export default require('./koffi.node');",
		loader: 'js',
	}));
	bundler.onResolve({filter: /koffi\.node$/}, ({path}) => ({path, external: true}));
}

/** To import node:http makes Node load all of fetch and WebSocket, whose names that module has; to require it does not. */
function requireHttp(bundler) {
	bundler.onResolve({filter: /^node:http$/}, ({path, namespace}) =>
		namespace === 'required' ? {path, external: true} : {path, namespace: 'required'},
	);
	bundler.onLoad({filter: /.*/, namespace: 'required'}, ({path}) => ({
		contents: `module.exports = require(${JSON.stringify(path)});`,
		loader: 'js',
	}));
}
