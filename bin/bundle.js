// Bundles the command line into few files: Node takes longer to find and read hundreds of small modules than an
// unchanged build takes to look at thousands of files. What a command needs is still loaded only when it runs.
import {readdirSync, rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import {build} from 'esbuild';

const outdir = 'dist/bin';

/** Programs of their own, started by file name beside the code that starts them. */
const workers = readdirSync('lib', {recursive: true})
	.filter(file => /(?:^|[/-])worker\.ts$/.test(file))
	.map(file => join('lib', file));

rmSync(outdir, {recursive: true, force: true});
await build({
	entryPoints: ['bin/sealimage.ts', ...workers].map(file => ({in: file, out: basename(file, '.ts')})),
	outdir,
	bundle: true,
	splitting: true,
	format: 'esm',
	platform: 'node',
	target: 'node20.19',
	chunkNames: '[name]-[hash]',
	legalComments: 'linked',
	// Some dependencies are CommonJS and require Node's own modules.
	banner: {js: "import {createRequire as requireFrom} from 'node:module';const require=requireFrom(import.meta.url);"},
	logLevel: 'warning',
});
