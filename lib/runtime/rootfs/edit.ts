import {readFile} from 'node:fs/promises';
import {SealError} from '../../core/errors.js';
import {withIo} from '../../core/io-error.js';
import type {Environment} from '../application/environment.js';
import {applyConfig, type ConfigDocument} from '../cluster/config-document.js';
import {templateFunctions} from '../template/functions.js';
import {renderTemplate} from '../template/render.js';
import {maskSecrets} from './mask.js';
import {templatesAmong} from './templates.js';
import {parentsOf, type StageEntry, type StageTree} from './tree.js';

/**
 * Makes the changes of Configs and renders templates, in the tree alone: no file of an image is touched. A Config for a template
 * comes before it is rendered, one for what a template becomes behind it.
 * @returns how many files were rendered
 * @throws SealError ERR_TEMPLATE with file and line, ERR_CONFIG_DOCUMENT, ERR_YAML, ERR_UNSAFE_PATH; none shows the value of a secret
 */
export async function editTree(tree: StageTree, configs: readonly ConfigDocument[], env: Environment): Promise<number> {
	try {
		const targets = new Set(templatesAmong([...tree.keys(), ...configs.map(({path}) => path)]).values());
		for (const config of configs) if (!targets.has(config.path)) await change(tree, config);
		const templates = templatesAmong(tree.keys());
		const data = {...env, Env: env, Values: env};
		for (const [path, target] of templates) await render(tree, path, target, data);
		for (const config of configs) if (targets.has(config.path)) await change(tree, config);
		return templates.size;
	} catch (error) {
		throw withoutSecrets(error, env);
	}
}

/** Larger files are no texts to be changed. */
const maxTextBytes = 4 * 1024 * 1024;

async function change(tree: StageTree, config: ConfigDocument): Promise<void> {
	const {path} = config;
	checkPath(path);
	for (const parent of parentsOf(path)) {
		const entry = tree.get(parent);
		if (entry === undefined) tree.set(parent, {kind: 'folder', mode: 0o755});
		else if (entry.kind !== 'folder') throw inTheWay(path, `${parent} is no folder of the image`);
	}
	const entry = tree.get(path);
	if (entry?.kind === 'folder' || entry?.kind === 'link') throw inTheWay(path, `it is a ${entry.kind} in the image`);
	const content = entry === undefined ? undefined : await textOf(entry, path);
	tree.set(path, {kind: 'text', mode: entry?.mode ?? 0o644, text: applyConfig(content, config)});
}

async function render(tree: StageTree, path: string, target: string, data: object): Promise<void> {
	const entry = tree.get(path);
	if (entry?.kind !== 'file' && entry?.kind !== 'text') return;
	const text = renderTemplate(await textOf(entry, path), data, templateFunctions, path);
	if (tree.get(target)?.kind === 'folder') {
		throw new SealError('ERR_TEMPLATE', `${path}:1 cannot be rendered: ${target} is a folder of the image`, {
			hint: 'Give the template another name.',
			details: {line: 1, name: path},
		});
	}
	tree.set(target, {kind: 'text', mode: entry.mode, text});
}

async function textOf(entry: StageEntry & {kind: 'file' | 'text'}, path: string): Promise<string> {
	if (entry.kind === 'text') return entry.text;
	if (entry.sizeBytes > maxTextBytes) throw inTheWay(path, `the file has ${entry.sizeBytes} bytes, which is no text`);
	return await withIo('read', entry.source, () => readFile(entry.source, 'utf8'));
}

function checkPath(path: string): void {
	const parts = path.split('/');
	if (!path.includes('\0') && parts.every(part => !['', '.', '..'].includes(part))) return;
	throw new SealError('ERR_UNSAFE_PATH', `The Config is for ${JSON.stringify(path)}, which is no place in an image`, {
		hint: 'Write the path of a file below the root of the image, as etc/kubeadm.yml.',
	});
}

function inTheWay(path: string, why: string): SealError {
	return new SealError('ERR_CONFIG_DOCUMENT', `${path} cannot be changed: ${why}`, {
		hint: 'Name a text file of the image, or another path.',
	});
}

/** Functions of templates say what is wrong with their arguments, and these may be passwords. */
function withoutSecrets(error: unknown, env: Environment): unknown {
	if (!(error instanceof SealError)) return error;
	const message = maskSecrets(error.message, env);
	if (message === error.message) return error;
	return new SealError(error.code, message, {hint: error.hint, details: error.details});
}
