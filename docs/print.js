// Prints docs/cli.md, docs/errors.md and docs/preflight.md from the tables of the command line. Run with "npm run docs".
import {writeFileSync} from 'node:fs';
import {verbs} from '../.build/bin/commands.js';
import {cliPage, errorsPage, preflightPage} from '../.build/bin/docs.js';

writeFileSync(new URL('cli.md', import.meta.url), await cliPage(verbs));
writeFileSync(new URL('errors.md', import.meta.url), errorsPage());
writeFileSync(new URL('preflight.md', import.meta.url), preflightPage());
