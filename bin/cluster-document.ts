import {parseYaml} from '../lib/core/yaml.js';
import {type Clusterfile, readClusterfile} from '../lib/runtime/cluster/clusterfile.js';
import {parseClusterfile} from '../lib/runtime/host/clusterfile.js';
import {parseHostList, resolveHosts} from '../lib/runtime/host/list.js';
import type {RunRequest} from '../lib/runtime/lifecycle/operate-request.js';
import {templateFunctions} from '../lib/runtime/template/functions.js';
import {renderTemplate} from '../lib/runtime/template/render.js';
import type {ClusterLogin} from './cluster-login.js';
import {readText, withAddresses} from './cluster-wish.js';
import type {Flags, FlagValues} from './command.js';
import type {Context} from './context.js';
import {readPairs} from './key-values.js';
import {UsageError} from './usage-error.js';

/** How a Clusterfile that is a template is rendered. */
export const documentFlags = {
	values: {
		type: 'list',
		value: 'FILE',
		help: 'YAML with what .Values has in a Clusterfile that is a template; the later files count more',
		completes: 'file',
	},
	set: {
		type: 'list',
		value: 'PATH=VALUE',
		help: 'one of these values, over those of files: --set pods.network=10.1.0.0/16',
		completes: 'none',
	},
} as const satisfies Flags;

/**
 * A Clusterfile as a request: it says all there is to say of the cluster, so hosts that it does not name leave.
 * @throws UsageError; SealError ERR_CLUSTERFILE, ERR_YAML, ERR_TEMPLATE, ERR_HOST_INVALID, ERR_HOST_RANGE, ERR_HOST_DUPLICATE, ERR_IO
 */
export async function readClusterDocument(
	file: string,
	flags: FlagValues<typeof documentFlags> & {readonly address: readonly string[]},
	{login, context}: ClusterLogin,
): Promise<RunRequest> {
	const written = await readText(file, context);
	const text = /\{\{/.test(written) ? await render(written, file, flags, context) : written;
	const document = readClusterfile(text, file);
	const listed = parseClusterfile(text, {shown: file, home: context.io.home, overrides: login});
	const targets = resolveHosts(listed, login);
	const entries = entriesOf(document);
	const named = withAddresses(targets, flags.address).map((host, index) => ({...host, env: entries[index]?.env ?? {}}));
	return {
		name: document.name,
		hosts: named,
		images: document.images,
		isWhole: true,
		env: document.env,
		...(document.command === undefined ? {} : {command: document.command}),
		configs: document.configs,
		kubeadm: document.kubeadm,
	};
}

/** What the file says of each host, in the order in which hosts are read. */
function entriesOf({hosts}: Clusterfile): readonly Clusterfile['hosts'][number][] {
	return hosts.flatMap(entry => entry.ips.flatMap(ip => parseHostList(ip).map(() => entry)));
}

async function render(
	text: string,
	file: string,
	{values, set}: FlagValues<typeof documentFlags>,
	context: Context,
): Promise<string> {
	let data: Readonly<Record<string, unknown>> = {};
	for (const path of values) {
		const [document = {}, more] = parseYaml(await readText(path, context), path);
		if (!isMap(document) || more !== undefined)
			throw new UsageError(`--values: ${path} is not one map of values`, {hint: 'Write "name: value" lines.'});
		data = merge(data, document);
	}
	for (const [path, value] of Object.entries(readPairs('--set', set))) data = merge(data, nested(path, value));
	return renderTemplate(text, {Values: data}, templateFunctions, file);
}

type YamlMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is YamlMap {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(below: YamlMap, above: YamlMap): YamlMap {
	const merged = new Map(Object.entries(below));
	for (const [key, value] of Object.entries(above)) {
		const before = merged.get(key);
		merged.set(key, isMap(before) && isMap(value) ? merge(before, value) : value);
	}
	return Object.fromEntries(merged);
}

/** `a.b.c` as a map of maps. The value is read as YAML reads it: `3` is a number, `"3"` a text. */
function nested(path: string, text: string): YamlMap {
	const keys = path.split('.');
	if (keys.some(key => key === ''))
		throw new UsageError(`--set: ${JSON.stringify(path.slice(0, 100))} is no path`, {
			hint: 'Write PATH=VALUE, as pods.network=10.1.0.0/16.',
		});
	const [value = ''] = text === '' ? [''] : parseYaml(text, '--set');
	return keys.reduceRight<unknown>((inner, key) => ({[key]: inner}), value) as YamlMap;
}
