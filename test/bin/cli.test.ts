import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {cliIn} from '../helpers/run-cli.js';

test('without a command the overview goes to stdout', async t => {
	const {exitCode, stdout, stderr} = await cliIn(t).run([]);
	t.is(exitCode, 0);
	t.regex(stdout, /^Build, ship and run whole clusters as one OCI image\.\n\nUsage:\n {2}sealimage \[flags\] COMMAND/);
	t.is(stderr, '');
});

test('--version prints one line', async t => {
	t.regex(await cliIn(t).ok('--version'), /^sealimage \d+\.\d+\.\d+\n$/);
	t.regex(await cliIn(t).ok('version', '--short'), /^\d+\.\d+\.\d+\n$/);
});

const usage = test.macro({
	async exec(t, argv: string[], stderr: string) {
		const result = await cliIn(t).run(argv);
		t.deepEqual([result.exitCode, result.stdout, result.stderr], [2, '', stderr]);
	},
	title: (_, argv: string[]) => `${argv.join(' ')} is a usage error: exit code 2, nothing on stdout`,
});

test(usage, ['biuld'], 'error: Unknown command "biuld" [ERR_USAGE]\nhint: Did you mean "sealimage build"?\n');
test(
	usage,
	['manifest', 'ad'],
	'error: Unknown command "manifest ad" [ERR_USAGE]\nhint: Did you mean "sealimage manifest add"?\n',
);
test(
	usage,
	['build', '--no-cahce', '.'],
	'error: Unknown flag --no-cahce [ERR_USAGE]\nhint: Did you mean --no-cache?\n',
);
test(
	usage,
	['build'],
	'error: build needs CONTEXT: the folder that COPY and ADD read [ERR_USAGE]\nhint: Run "sealimage build --help".\n',
);
test(
	usage,
	['build', '-t', 'Shop', '.'],
	'error: --tag: "Shop" is no image reference: the repository name must be lower case [ERR_REFERENCE_INVALID]\nhint: Write shop.\n',
);
test(
	usage,
	['build', '--platform', 'linux/', '.'],
	'error: --platform: "linux/" is not a platform [ERR_PLATFORM]\nhint: Write it as os/architecture[/variant], for example linux/arm64.\n',
);
test(usage, ['build', '--build-arg', '=x', '.'], 'error: --build-arg is NAME=VALUE, found "=x" [ERR_USAGE]\n');
test(
	usage,
	['build', '-o', 'tar:x', '.'],
	'error: --dest is FORMAT:PATH, found "tar:x" [ERR_USAGE]\nhint: Write it as oci-archive:PATH or oci-dir:PATH or docker-archive:PATH.\n',
);
test(
	usage,
	['build', '--compression', 'lzma', '.'],
	'error: --compression: "lzma" is not a compression [ERR_COMPRESSION]\nhint: Write none, gzip, gzip-stable or zstd; gzip may have a level from 1 to 9 and zstd from 1 to 19, as in gzip:6.\n',
);
test(
	usage,
	['build', '--secret', 'id=a,env=NOT_THERE', '.'],
	'error: --secret a: the environment has no variable NOT_THERE [ERR_USAGE]\n',
);
test(usage, ['--output', 'yaml', 'images'], 'error: --output is one of text, json, found "yaml" [ERR_USAGE]\n');
test(
	usage,
	['tag', 'a'],
	'error: tag needs NAME: the names to give it; a name that another image has moves [ERR_USAGE]\nhint: Run "sealimage tag --help".\n',
);
test(
	usage,
	['prune'],
	'error: prune asks before it removes anything, and this is no terminal [ERR_USAGE]\nhint: Run it with --force, or look with --dry-run.\n',
);
test(
	usage,
	['rmi'],
	'error: rmi needs IMAGE: names of images in the store [ERR_USAGE]\nhint: Name images, or remove all of them with --all.\n',
);
test(
	usage,
	['completion', 'tcsh'],
	'error: There is no completion for the shell "tcsh" [ERR_USAGE]\nhint: Choose one of bash, zsh, fish.\n',
);
test(
	usage,
	['save', '--format', 'oci-dir', 'x'],
	'error: save --format oci-dir needs --dest: the folder to write [ERR_USAGE]\n',
);

test(
	usage,
	['build', '-'],
	'error: A build context is not read from stdin [ERR_USAGE]\nhint: Name a folder as the context, and a file with -f.\n',
);

test('an error with --output json is one JSON document on stderr', async t => {
	const {exitCode, stdout, stderr} = await cliIn(t).run(['inspect', 'nothing', '--output', 'json']);
	t.is(exitCode, 1);
	t.is(stdout, '');
	t.like(JSON.parse(stderr), {error: {code: 'ERR_IMAGE_UNKNOWN'}});
	const wrong = await cliIn(t).run(['--output=json', 'images', '--nope']);
	t.like(JSON.parse(wrong.stderr), {error: {code: 'ERR_USAGE', message: 'Unknown flag --nope'}});
});

test('a stack is shown with SEALIMAGE_DEBUG only', async t => {
	const cli = cliIn(t);
	t.notRegex((await cli.run(['inspect', 'x'])).stderr, /\n\s+at /);
	t.regex((await cli.run(['inspect', 'x'], {env: {SEALIMAGE_DEBUG: '1'}})).stderr, /\n\s+at .*\.js/);
});

test('settings come from flags, the environment, the file and defaults, in this order', async t => {
	const cli = cliIn(t);
	mkdirSync(join(cli.dir, '.config/sealimage'), {recursive: true});
	const file = join(cli.dir, '.config/sealimage/config.yaml');
	writeFileSync(file, 'output: json\nprogress: none\njobs: 7\nroot: /from-file\n');
	const {exitCode, stdout} = await cli.run(['config', '--progress', 'plain'], {env: {SEALIMAGE_JOBS: '3'}});
	t.is(exitCode, 0);
	t.like(JSON.parse(stdout), {
		file,
		settings: {
			root: {value: join(cli.dir, 'store'), origin: 'SEALIMAGE_ROOT'},
			output: {value: 'json', origin: file},
			progress: {value: 'plain', origin: '--progress'},
			jobs: {value: 3, origin: 'SEALIMAGE_JOBS'},
			color: {value: 'auto', origin: 'default'},
		},
	});
});

test('the store is in $XDG_DATA_HOME, or below the home folder', async t => {
	const cli = cliIn(t);
	const rootOf = async (env: Record<string, string>): Promise<unknown> => {
		const {stdout} = await cli.run(['config', '--output', 'json'], {env: {SEALIMAGE_ROOT: '', ...env}});
		return (JSON.parse(stdout) as {settings: {root: unknown}}).settings.root;
	};
	t.deepEqual(await rootOf({}), {value: join(cli.dir, '.local/share/sealimage'), origin: 'default'});
	t.deepEqual(await rootOf({XDG_DATA_HOME: '/data'}), {value: '/data/sealimage', origin: 'default'});
	t.deepEqual(await rootOf({XDG_DATA_HOME: 'relative'}), {
		value: join(cli.dir, '.local/share/sealimage'),
		origin: 'default',
	});
});

const badConfig = test.macro({
	async exec(t, text: string, message: string) {
		const cli = cliIn(t);
		mkdirSync(join(cli.dir, '.config/sealimage'), {recursive: true});
		writeFileSync(join(cli.dir, '.config/sealimage/config.yaml'), text);
		const {exitCode, stderr} = await cli.run(['images']);
		t.is(exitCode, 2);
		t.true(stderr.replaceAll(cli.dir, '~').startsWith(`error: ${message}`), stderr);
	},
	title: (_, text: string) => `the configuration ${JSON.stringify(text)} is refused`,
});

test(
	badConfig,
	'rooot: /x',
	'The configuration file ~/.config/sealimage/config.yaml has the unknown setting "rooot" [ERR_USAGE]\nhint: Did you mean "root"?',
);
test(badConfig, 'output: yaml', '~/.config/sealimage/config.yaml is one of text, json, found "yaml"');
test(badConfig, 'jobs: 0', '~/.config/sealimage/config.yaml is a whole number from 1 on, found "0"');
test(badConfig, '- a', 'The configuration file ~/.config/sealimage/config.yaml is not one map of settings');
test(badConfig, 'root: [', '~/.config/sealimage/config.yaml');
test(badConfig, 'root: {a: b}', 'The setting "root" in ~/.config/sealimage/config.yaml is neither a text nor a number');

test('colours need a terminal or --color always, and end with NO_COLOR', async t => {
	const cli = cliIn(t);
	t.notRegex(await cli.ok('images'), /\x1b/);
	t.regex(await cli.ok('images', '--color', 'always'), /\x1b\[2mREPOSITORY/);
	const {stderr} = await cli.run(['images', '--nope'], {env: {NO_COLOR: '1', SEALIMAGE_COLOR: 'auto'}});
	t.notRegex(stderr, /\x1b/);
});

test('every command explains itself, and its help names every flag', async t => {
	const cli = cliIn(t);
	const {commands} = (await cli.json('help')) as {commands: Array<{name: string; summary: string}>};
	t.true(commands.length > 20);
	await Promise.all(
		commands.map(async ({name, summary}) => {
			const page = await cli.ok(...name.split(' '), '--help');
			t.true(page.startsWith(`${summary}.\n\nUsage:\n  sealimage ${name} [flags]`), name);
			const {flags} = (await cli.json('help', ...name.split(' '))) as {flags: Record<string, object>};
			for (const flag of Object.keys(flags)) t.true(page.includes(flag), `${name} --${flag}`);
		}),
	);
});
