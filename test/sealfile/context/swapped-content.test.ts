import {renameSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {writeLayer} from '../../../lib/oci/layer/write.js';
import {emptyTree} from '../../../lib/oci/tree/tree.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {resolveCopy} from '../../../lib/sealfile/copy/resolve-copy.js';
import {memoryStore} from '../../helpers/memory-store.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

test('a folder swapped for a link between listing and reading does not bring files from elsewhere', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'ctx/sub/a': 'public', 'outside/a': 'secret'});
	const {entries} = await resolveCopy({sources: ['.'], destination: '/'}, openContext(join(dir, 'ctx')), emptyTree);
	renameSync(join(dir, 'ctx/sub'), join(dir, 'moved'));
	symlinkSync('../outside', join(dir, 'ctx/sub'));
	const store = memoryStore();
	await t.throwsAsync(writeLayer(entries, store), {code: 'ERR_LAYER_ENTRY', message: /sub\/a.*was replaced/});
});
