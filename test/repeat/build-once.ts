import {build, openStore, parseCompression, parsePlatform} from '../../lib/index.js';

/** Run as a program: builds `context` into `store` under a given umask and prints the manifest digest of each platform. */
const [, , context, root, mask, platforms, compression] = process.argv as unknown as readonly string[];
process.umask(Number.parseInt(mask!, 8));
const store = await openStore(root!);
const result = await build({
	context: context!,
	store,
	platforms: platforms!.split(',').map(parsePlatform),
	compression: parseCompression(compression!),
});
const rows = result.platforms.map(({platform, manifest}) => `${platform.architecture} ${manifest.digest}`);
process.stdout.write(`${rows.toSorted().join('\n')}\n`);
