import {mkdirSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {build} from 'esbuild';
import {copyToHost, onHost} from '../hosts.js';

/** Where they are on a host. */
export const programFolder = '/opt/lb';

/**
 * Puts programs of `on-host` on a lab host, each as one file in a folder named by its version. Two versions do the same and are not the same bytes.
 */
export async function putPrograms(
	host: string,
	versions: Readonly<Record<string, string>>,
	{withKoffi = false}: {readonly withKoffi?: boolean} = {},
): Promise<void> {
	const dir = mkdtempSync(join(tmpdir(), 'sealimage-programs-'));
	try {
		for (const [program, version] of Object.entries(versions)) {
			mkdirSync(join(dir, version), {recursive: true});
			await build({
				entryPoints: [`.build/test/lab/balancer/on-host/${program}.js`],
				outfile: join(dir, version, `${program}.mjs`),
				...{external: ['koffi'], bundle: true, platform: 'node', format: 'esm', logLevel: 'silent'},
				banner: {
					js: `import {createRequire} from 'node:module'; const require = createRequire(import.meta.url); /* version ${version} */`,
				},
			});
		}
		for (const version of readdirSync(dir)) copyToHost(host, join(dir, version), programFolder);
		if (withKoffi && !onHost(host, `ls ${programFolder}`).includes('node_modules')) {
			copyToHost(host, 'node_modules/koffi', `${programFolder}/node_modules`);
			for (const native of readdirSync('node_modules/@koromix'))
				copyToHost(host, join('node_modules/@koromix', native), `${programFolder}/node_modules/@koromix`);
		}
	} finally {
		onHost(host, 'sync');
		rmSync(dir, {recursive: true});
	}
}
