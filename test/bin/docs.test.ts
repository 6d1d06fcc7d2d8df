import {readFileSync} from 'node:fs';
import test from 'ava';
import {verbs} from '../../bin/commands.js';
import {cliPage, errorsPage} from '../../bin/docs.js';

const hint = 'run "npm run docs"';

test('docs/cli.md is what the tables of the command line print', async t => {
	t.is(readFileSync('docs/cli.md', 'utf8'), await cliPage(verbs), hint);
});

test('docs/errors.md is what the table of codes prints', t => {
	t.is(readFileSync('docs/errors.md', 'utf8'), errorsPage(), hint);
});
