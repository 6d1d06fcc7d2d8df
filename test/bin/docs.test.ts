import {readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {verbs} from '../../bin/commands.js';
import {cliPage, errorsPage, preflightPage} from '../../bin/docs.js';
import {commandHelp, overviewHelp} from '../../bin/help.js';
import {plainStyle} from '../../bin/render/style.js';

const hint = 'run "npm run docs"';

test('docs/cli.md is what the tables of the command line print', async t => {
	t.is(readFileSync('docs/cli.md', 'utf8'), await cliPage(verbs), hint);
});

test('docs/errors.md is what the table of codes prints', t => {
	t.is(readFileSync('docs/errors.md', 'utf8'), errorsPage(), hint);
});

test('docs/preflight.md is what the checks print', t => {
	t.is(readFileSync('docs/preflight.md', 'utf8'), preflightPage(), hint);
});

const golden = test.macro({
	async exec(t, name: string, page: () => string | Promise<string>) {
		const path = `test/bin/golden/${name}.txt`;
		const text = await page();
		if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
		t.is(text, readFileSync(path, 'utf8'), 'run again with UPDATE_GOLDEN=1 when the change is meant');
	},
	title: (_, name: string) => `the help page ${name} is as reviewed`,
});

const buildVerb = verbs.find(verb => verb.name === 'build')!;

test(golden, 'overview-100', () => overviewHelp(verbs, plainStyle, 100));
test(golden, 'build-100', async () => commandHelp(buildVerb, await buildVerb.load(), plainStyle, 100));
test(golden, 'build-45', async () => commandHelp(buildVerb, await buildVerb.load(), plainStyle, 45));
