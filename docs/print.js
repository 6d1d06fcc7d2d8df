// Prints docs/cli.md and docs/errors.md from the tables of the command line. Run with "npm run docs".
import {writeFileSync} from 'node:fs';
import {verbs} from '../.build/bin/commands.js';
import {cliPage, errorsPage} from '../.build/bin/docs.js';

writeFileSync(new URL('cli.md', import.meta.url), await cliPage(verbs));
writeFileSync(new URL('errors.md', import.meta.url), errorsPage());
