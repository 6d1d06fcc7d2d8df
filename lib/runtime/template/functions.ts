import {collections} from './collections.js';
import {comparing} from './comparing.js';
import {encoding} from './encoding.js';
import {networks} from './networks.js';
import {numbers} from './numbers.js';
import type {TemplateFunctions} from './render.js';
import {texts} from './texts.js';

/**
 * What templates of cluster images may call: Go's own functions, those of sprig that depend on nothing but their arguments, and those
 * of sealos for networks. There is none that reads the machine, the clock or random numbers: a file is the same whenever it is rendered.
 */
export const templateFunctions: TemplateFunctions = {
	...comparing,
	...texts,
	...numbers,
	...collections,
	...encoding,
	...networks,
};
