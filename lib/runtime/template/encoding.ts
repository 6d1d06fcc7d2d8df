import {createHash} from 'node:crypto';
import {parseYaml, printYaml} from '../../core/yaml.js';
import type {TemplateFunctions} from './render.js';
import {print} from './values.js';

/** Functions between values and their written forms. */
export const encoding: TemplateFunctions = {
	toJson: (value: unknown) => JSON.stringify(value ?? null),
	toPrettyJson: (value: unknown) => JSON.stringify(value ?? null, null, 2),
	fromJson: (text: string) => JSON.parse(text) as unknown,
	// Without the line break at the end, as helm has it: `toYaml . | nindent 4`.
	toYaml: (value: unknown) => printYaml([value ?? null]).replace(/\n$/, ''),
	fromYaml: (text: string) => parseYaml(text)[0] ?? {},
	b64enc: (text: string) => Buffer.from(print(text)).toString('base64'),
	b64dec: (text: string) => Buffer.from(print(text), 'base64').toString(),
	sha256sum: (text: string) => createHash('sha256').update(print(text)).digest('hex'),
	sha1sum: (text: string) => createHash('sha1').update(print(text)).digest('hex'),
	urlquery: (text: string) => encodeURIComponent(print(text)).replaceAll('%20', '+'),
};
