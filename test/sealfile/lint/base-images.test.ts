// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import test, {type ExecutionContext} from 'ava';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {type BaseLintOptions, lintBases} from '../../../lib/sealfile/lint/base-images.js';
import {lintSealfile} from '../../../lib/sealfile/lint/lint.js';
import {parseSealfile} from '../../../lib/sealfile/parse/parse.js';
import {putImage, putIndex} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

const [amd64, arm64, armv6, armv7] = [
	{os: 'linux', architecture: 'amd64'},
	{os: 'linux', architecture: 'arm64'},
	{os: 'linux', architecture: 'arm', variant: 'v6'},
	{os: 'linux', architecture: 'arm', variant: 'v7'},
];

/** A store with an image for one platform and one for two. */
async function storeWithBases(t: ExecutionContext): Promise<Store> {
	const store = await openStore(tempDir(t), {durability: 'none'});
	t.teardown(() => store.close());
	const [one, old, other] = await Promise.all([amd64, armv6, arm64].map(platform => putImage(store, {platform})));
	await store.tag('docker.io/library/one:latest', one!);
	await store.tag('docker.io/library/old:latest', old!);
	await store.tag('docker.io/library/both:latest', await putIndex(store, [one!, other!]));
	return store;
}

const finds = test.macro({
	async exec(t, text: string, expected: readonly string[], options: BaseLintOptions = {platforms: [arm64]}) {
		const tree = parseSealfile(text, {file: 'Dockerfile'});
		const rules = await lintBases(tree, await storeWithBases(t), options);
		const found = lintSealfile(tree, {rules}).filter(({code}) => code === 'InvalidBaseImagePlatform');
		t.deepEqual(
			found.map(({range, message}) => `${range.startLine}:${range.startColumn} ${message}`),
			expected,
		);
	},
	title: (_, text: string, expected: readonly string[], options?: BaseLintOptions) =>
		`${expected.length === 0 ? 'nothing is said of' : 'the platform is wrong in'} ${JSON.stringify(text)}${options === undefined ? '' : ` for ${JSON.stringify(options.platforms)}`}`,
});

const wrong = (at: string, name: string, found: string, expected: string): string =>
	`${at} Base image ${name} was pulled with platform "${found}", expected "${expected}" for current build`;

test(finds, 'FROM one', [wrong('1:6', 'one', 'linux/amd64', 'linux/arm64')]);
test(finds, 'FROM one', [], {platforms: [amd64]});
test(finds, 'FROM both', []);
test(finds, 'FROM both', [wrong('1:6', 'both', 'linux/amd64, linux/arm64', 'linux/arm/v7')], {platforms: [armv7]});
// What is older runs, too.
test(finds, 'FROM old', [], {platforms: [armv7]});
test(finds, 'FROM one', [wrong('1:6', 'one', 'linux/amd64', 'linux/arm64')], {platforms: [amd64, arm64]});
test(finds, 'FROM --platform=linux/amd64 one', []);
test(finds, 'FROM --platform=$TARGETPLATFORM one', [wrong('1:33', 'one', 'linux/amd64', 'linux/arm64')]);
test(finds, 'ARG BASE=one\nFROM ${BASE}', [wrong('2:6', 'one', 'linux/amd64', 'linux/arm64')]);
test(finds, 'FROM both AS one\nFROM one', []);
test(finds, 'FROM scratch\nFROM unknown\nFROM Not%A%Name', []);
test(finds, 'FROM one\nFROM ${', []);
test(finds, '# check=skip=InvalidBaseImagePlatform\nFROM one', []);
