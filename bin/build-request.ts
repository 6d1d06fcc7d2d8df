import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {parseCompression} from '../lib/oci/compress/compression.js';
import type {BuildOptions} from '../lib/sealfile/build/options.js';
import type {buildFlags} from './build-flags.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {readFields, readPairs} from './key-values.js';
import {readNames, readPlatforms} from './store.js';
import {trustedFiles} from './trusted-files.js';
import {readArgument, UsageError} from './usage-error.js';

export type BuildRequest = Omit<BuildOptions, 'store' | 'sources' | 'signal' | 'onEvent'>;

/**
 * What the flags of `build` ask for, read and checked before anything is opened.
 * @throws UsageError, and system errors of the files that flags name
 */
export async function readBuildRequest(
	flags: FlagValues<typeof buildFlags>,
	folder: string,
	context: Context,
): Promise<BuildRequest> {
	const {io, settings, signal} = context;
	if (folder === '-' || flags.file === '-') {
		throw new UsageError(`A ${folder === '-' ? 'build context' : 'Sealfile'} is not read from stdin`, {
			hint: 'Name a folder as the context, and a file with -f.',
		});
	}
	const path = (text: string): string => resolve(io.cwd, text);
	const fromFiles = await Promise.all(flags['build-arg-file'].map(file => readArgumentFile(path(file), signal)));
	const compression = flags.compression ?? settings.compression.value;
	const origin = flags.compression === undefined ? settings.compression.origin : '--compression';
	return {
		context: path(folder),
		...(flags.file === undefined ? {} : {file: path(flags.file)}),
		...(flags.ignorefile === undefined ? {} : {ignoreFile: path(flags.ignorefile)}),
		...(flags.target === undefined ? {} : {target: flags.target}),
		...(flags.lock === undefined ? {} : {lock: await readFile(path(flags.lock), {encoding: 'utf8', signal})}),
		pull: flags.pull,
		tags: readNames('--tag', flags.tag),
		...(flags.platform.length === 0 ? {} : {platforms: readPlatforms(flags.platform)}),
		buildArgs: readPairs('--build-arg', [...fromFiles.flat(), ...flags['build-arg']], io.env),
		labels: readPairs('--label', flags.label),
		env: readPairs('--env', flags.env, io.env),
		annotations: readPairs('--annotation', flags.annotation),
		compression: compression === 'auto' ? 'auto' : readArgument(origin, () => parseCompression(compression)),
		format: flags.format,
		...timestampOf(flags.timestamp, io.env.SOURCE_DATE_EPOCH),
		cache: flags.cache,
		contextXattrs: flags.xattrs,
		saveImages: flags['save-image'],
		scratchConfig: flags['scratch-config'],
		compat: flags.compat,
		secret: secretsOf(flags.secret, path, io.env),
		proxies: proxiesOf(io.env),
		caFiles: trustedFiles(context),
		gitEnv: io.env,
		...(io.env.PATH === undefined ? {} : {searchPath: io.env.PATH.split(':').filter(part => part.startsWith('/'))}),
		...(flags.jobs === undefined && settings.jobs.origin === 'default'
			? {}
			: {jobs: flags.jobs ?? settings.jobs.value}),
		now: () => io.now(),
	};
}

/** Lines of NAME=VALUE; empty lines and those that start with # do not count. */
async function readArgumentFile(path: string, signal: AbortSignal): Promise<string[]> {
	const text = await readFile(path, {encoding: 'utf8', signal});
	return text.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith('#'));
}

function timestampOf(flag: number | undefined, epoch: string | undefined): {readonly timestamp?: number} {
	if (flag !== undefined) return {timestamp: flag};
	if (epoch === undefined || epoch === '') return {};
	if (!/^\d{1,15}$/.test(epoch))
		throw new UsageError(`SOURCE_DATE_EPOCH is whole seconds since 1970, found "${epoch}"`);
	return {timestamp: Number(epoch)};
}

/** `id=NAME[,src=FILE|,env=VARIABLE]`; without either, the environment variable of the id's name. */
function secretsOf(
	values: readonly string[],
	path: (text: string) => string,
	env: Readonly<Record<string, string | undefined>>,
): (id: string) => Promise<Uint8Array | undefined> {
	const secrets = new Map<string, () => Promise<Uint8Array>>();
	for (const text of values) {
		const {id, src, source, env: variable, type} = readFields('--secret', text, ['id', 'src', 'source', 'env', 'type']);
		const file = src ?? source;
		if (id === undefined || id === '') throw new UsageError(`--secret needs id=NAME, found "${text}"`);
		if (type !== undefined && type !== 'file' && type !== 'env')
			throw new UsageError(`--secret type is file or env, found "${type}"`);
		const name = variable ?? (type === 'env' ? file : undefined) ?? id;
		if (file !== undefined && variable === undefined && type !== 'env')
			secrets.set(id, async () => readFile(path(file)));
		else if (env[name] === undefined) throw new UsageError(`--secret ${id}: the environment has no variable ${name}`);
		else secrets.set(id, async () => Buffer.from(env[name]!));
	}
	return async id => secrets.get(id)?.();
}

const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy'];

function proxiesOf(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
	return Object.fromEntries(
		Object.entries(env).filter(
			(pair): pair is [string, string] => pair[1] !== undefined && proxyNames.includes(pair[0].toLowerCase()),
		),
	);
}
