import test from 'ava';
import fc from 'fast-check';
import {parseReference} from '../../../lib/oci/reference.js';
import {discoverImages} from '../../../lib/sealfile/discover/discover.js';
import {lintCluster} from '../../../lib/sealfile/lint/cluster.js';
import {calledCommands} from '../../../lib/sealfile/lint/command-words.js';
import {memoryFiles} from '../../helpers/memory-files.js';

const token = fc.constantFrom(
	'image',
	': ',
	':',
	'\n',
	'  ',
	'- ',
	'{',
	'}',
	'[',
	']',
	'"',
	"'",
	'{{ ',
	' }}',
	'.Values.image',
	'nginx:1',
	'a/b',
	'&a ',
	'*a',
	'<<',
	'|\n  ',
	'---\n',
	'#',
	'kind: ConfigMap\n',
	'data:\n',
	'repository: r\n',
	'tag: t\n',
	'apiVersion: v1\n',
	'\uFEFF',
	'\r\n',
	'!!str ',
	'? ',
	',',
	'\t',
	'@sha256:',
);
const text = fc.array(token, {maxLength: 60}).map(parts => parts.join(''));

test('no text in manifests, charts or .sealignore breaks discovery, and all it finds are references', async t => {
	await fc.assert(
		fc.asyncProperty(text, text, text, async (manifest, values, ignore) => {
			const files = memoryFiles({
				'manifests/a.yaml': manifest,
				'manifests/b.yaml.tmpl': manifest,
				'charts/c/Chart.yaml': `name: c\n${values}`,
				'charts/c/values.yaml': values,
				'charts/c/templates/t.yaml': manifest,
				'charts/c.values.yaml': manifest,
				'.sealignore': ignore,
			});
			const {images, warnings} = await discoverImages(files, {imageFields: ignore, env: {a: values}});
			for (const {name, foundIn} of images) {
				t.notThrows(() => parseReference(name));
				t.true(foundIn.length > 0);
			}
			for (const {line} of warnings) t.true(line === undefined || line >= 1);
			await lintCluster(undefined, files);
		}),
		{numRuns: 300},
	);
});

test('no command line breaks the search for its programs', t => {
	const part = fc.constantFrom(
		'a',
		' ',
		';',
		'&',
		'|',
		'(',
		')',
		'$(',
		'"',
		"'",
		'\\',
		'\n',
		'#',
		'>',
		'2>&1',
		'for',
		'do',
		'=',
		'{',
		'`',
		'sudo ',
		'<<EOF',
	);
	fc.assert(
		fc.property(fc.array(part, {maxLength: 40}), parts => {
			for (const {name} of calledCommands(parts.join(''))) t.regex(name, /^[\w./+-]+$/);
		}),
	);
});
