import {instructionRules} from './instruction-rules.js';
import type {Rule} from './rule.js';
import {stageRules} from './stage-rules.js';
import {variableRules} from './variable-rules.js';

/** The checks of the language itself, BuildKit's set. Those of cluster images are passed to the linter as options. */
export const languageRules: readonly Rule[] = [...stageRules, ...instructionRules, ...variableRules];
