import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildImages} from './images.js';
import {binariesDir, builtVersion, storeDir} from './place.js';

/** Why there is no Kubernetes for lab hosts, or undefined. CI makes it; a user is not surprised by minutes of compiling. */
export function whyNoKubernetes(): string | undefined {
	const index = join(storeDir, 'index.json');
	const isThere =
		existsSync(binariesDir()) &&
		existsSync(index) &&
		readFileSync(index, 'utf8').includes(`/kubernetes:${builtVersion}"`);
	if (isThere) return undefined;
	if (process.env.CI !== 'true') return 'the lab has no Kubernetes yet (npm run lab -- kubernetes)';
	buildImages();
	return undefined;
}
