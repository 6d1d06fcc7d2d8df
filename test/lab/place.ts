import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';

/** Makes the base. Tests run from the project's root. */
export const makeBase: string = join('test/lab', 'make-base');

const recipe = [makeBase, 'test/lab/on-host/lab-boot', 'test/lab/on-host/lab-boot.service'];

/** What the lab keeps between runs. */
export const labDir: string =
	process.env.LAB_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealimage/lab');

/** The base that hosts start from. Its name follows from its recipe, so that a changed recipe makes a new one. */
export function baseDir(): string {
	const hash = createHash('sha256');
	for (const file of recipe) hash.update(readFileSync(file));
	return join(labDir, `base-${hash.digest('hex').slice(0, 12)}`);
}

/** The network namespace in which the hosts can be reached. */
export const namespace: string = process.env.LAB_NAMESPACE ?? 'sealimage-lab';

/** The networks of the hosts: the number of a host is the last part of its addresses. */
export const network4 = '10.78.0';
export const network6 = 'fd78::';
