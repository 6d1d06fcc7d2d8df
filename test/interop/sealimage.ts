import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Context, writeContext} from './buildah-compare/case.js';
import {type Command, run} from './peers.js';

// The bundle that is published, not the modules that the tests are made of.
const cli = join(process.cwd(), 'dist/bin/sealimage.js');

/** The command line as a user runs it, with a store below `home`. */
export function sealimageIn(home: string): Command {
	return (...args) => run([process.execPath, cli, '--root', storeOf(home), ...args], {timeoutMs: 300_000});
}

/** The folder of that store: an OCI layout. */
export function storeOf(home: string): string {
	return join(home, 'store');
}

export interface Recipe {
	readonly name: string;
	readonly sealfile: readonly string[];
	readonly context: Context;
	readonly flags?: readonly string[];
}

/** Builds one image with the command line and gives the digest that its name points to. */
export async function buildRecipe(home: string, recipe: Recipe): Promise<string> {
	const work = join(home, 'contexts', recipe.name.replaceAll(/[^a-z0-9]/g, '-'));
	mkdirSync(work, {recursive: true});
	writeContext(work, {
		...recipe.context,
		Sealfile: {type: 'file', content: `${recipe.sealfile.join('\n')}\n`},
		'.dockerignore': {type: 'file', content: 'Sealfile\n.dockerignore\n'},
	});
	const idFile = join(home, 'digest');
	await sealimageIn(home)('build', '--tag', recipe.name, '--iidfile', idFile, ...(recipe.flags ?? []), work);
	return readFileSync(idFile, 'utf8').trim();
}

export const twoPlatforms = ['--platform', 'linux/amd64,linux/arm64'];
