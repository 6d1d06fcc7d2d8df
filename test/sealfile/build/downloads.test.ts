import {existsSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {build, openStore, parsePlatform} from '../../../lib/index.js';
import {makeContext} from '../../helpers/context.js';
import {serveHttp} from '../../helpers/http-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('ADD fetches a URL once for every platform and build, and again when its copy was touched', async t => {
	let bodies = 0;
	const url = await serveHttp(t, (request, response) => {
		if (request.headers['if-none-match'] === '"v1"') return void response.writeHead(304).end();
		bodies++;
		response.writeHead(200, {etag: '"v1"', 'content-length': '7'}).end('content');
	});
	const context = makeContext(tempDir(t), {Sealfile: `FROM scratch\nADD ${url}/tool /bin/\n`});
	const store = await openStore(tempDir(t));
	const run = () => build({context, store, platforms: [parsePlatform('amd64')]});
	const first = await run();
	t.is((await run()).descriptor.digest, first.descriptor.digest);
	t.is(bodies, 1);

	const folder = join(
		store.cacheDir,
		readdirSync(store.cacheDir).find(name => existsSync(join(store.cacheDir, name, 'downloads')))!,
		'downloads',
	);
	writeFileSync(join(folder, readdirSync(folder)[0]!), 'CONTENT');
	t.is((await run()).descriptor.digest, first.descriptor.digest);
	t.is(bodies, 2);
});
