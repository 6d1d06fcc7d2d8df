import type {BuildCase} from './case.js';
import {addCases} from './cases/add.js';
import {configCases} from './cases/config.js';
import {copyCases} from './cases/copy.js';
import {ignoreCases} from './cases/ignore.js';
import {ownerCases} from './cases/owners.js';
import {pathCases} from './cases/paths.js';
import {runCases} from './cases/run.js';
import {stageCases} from './cases/stages.js';
import {variableCases} from './cases/variables.js';

export const allCases: readonly BuildCase[] = [
	...copyCases,
	...pathCases,
	...ownerCases,
	...addCases,
	...ignoreCases,
	...stageCases,
	...variableCases,
	...configCases,
	...runCases,
];
