import {hasCode, SealError} from '../../core/errors.js';
import {parseYaml, parseYamlNodes, type YamlNode} from '../../core/yaml.js';
import {documentKinds, type KubeadmDocument} from '../kubeadm/document.js';
import {checkFields} from '../kubeadm/fields.js';
import type {KubeadmApi} from '../kubeadm/minors.js';
import {checkKeys, type KnownKeys, lineOf} from './clusterfile-keys.js';
import {type ConfigDocument, type ConfigStrategy, configStrategies} from './config-document.js';

/** A Clusterfile as it was written: what is absent in it is absent here. */
export interface Clusterfile {
	readonly name: string;
	/** In the order in which they are applied. */
	readonly images: readonly string[];
	/** `K=V` lines of the cluster as a map. */
	readonly env: Readonly<Record<string, string>>;
	/** In place of the CMD of an image. */
	readonly command?: readonly string[] | undefined;
	/** `spec.hosts`; who logs in how is read by host/clusterfile.ts. */
	readonly hosts: readonly ClusterfileHosts[];
	readonly configs: readonly ConfigDocument[];
	/** In any version of kubeadm's configuration, or of the components that it configures. */
	readonly kubeadm: readonly KubeadmDocument[];
}

/** One entry of `spec.hosts`. */
export interface ClusterfileHosts {
	/** As written: `10.0.0.1`, `10.0.0.1:22`, ranges. */
	readonly ips: readonly string[];
	readonly roles: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

/**
 * Reads a Clusterfile (`apps.sealos.io/v1beta1`): one Cluster, any number of Configs, and documents of kubeadm. A key that
 * nobody knows is an error with its line. What sealos itself noted there (`status`) is passed over.
 * @throws SealError ERR_CLUSTERFILE, ERR_YAML with `details.line`
 */
export function readClusterfile(text: string, shown: string): Clusterfile {
	return readDocuments(text, shown, cluster => {
		if (cluster !== undefined) return readCluster(cluster, shown);
		throw wrong(
			shown,
			undefined,
			'it has no document of kind Cluster, and one is needed',
			'Name a file with one Cluster in it.',
		);
	});
}

/**
 * Reads what a Clusterfile may have beside the Cluster, from a file of its own: Configs and documents of kubeadm.
 * @throws SealError ERR_CLUSTERFILE, ERR_YAML with `details.line`
 */
export function readConfigFile(text: string, shown: string): Pick<Clusterfile, 'configs' | 'kubeadm'> {
	return readDocuments(text, shown, cluster => {
		if (cluster === undefined) return {};
		throw wrong(
			shown,
			cluster.node?.line,
			'it has a document of kind Cluster, which is not for a file of changes',
			'Name it with "sealimage apply -f", or take the Cluster out.',
		);
	});
}

function readDocuments<T>(
	text: string,
	shown: string,
	read: (cluster: Document | undefined) => T,
): T & Pick<Clusterfile, 'configs' | 'kubeadm'> {
	if (/\{\{/.test(text)) {
		throw wrong(shown, undefined, 'it is a template', 'Render it first, or name the Clusterfile that was rendered.');
	}
	const nodes = parseYamlNodes(text, shown).filter(node => !isEmpty(node));
	const values = parseYaml(text, shown);
	const documents = values.map((value, index) => documentOf(value, nodes[index], shown));
	const [cluster, ...more] = documents.filter(({kind}) => kind === 'Cluster');
	if (more.length > 0) {
		throw wrong(
			shown,
			more[0]?.node?.line,
			`it has ${more.length + 1} documents of kind Cluster, and one is needed`,
			'Name a file with one Cluster in it.',
		);
	}
	const kubeadm = documents.filter(({kind}) => (documentKinds as readonly string[]).includes(kind));
	return {
		...read(cluster),
		configs: documents.filter(({kind}) => kind === 'Config').map(document => readConfig(document, shown)),
		kubeadm: kubeadm.map(document => readKubeadm(document, shown)),
	};
}

/**
 * Reads a file of Configs alone, as images have it (`config.yml`).
 * @throws SealError ERR_CLUSTERFILE, ERR_YAML with `details.line`
 */
export function readConfigs(text: string, shown: string): readonly ConfigDocument[] {
	const nodes = parseYamlNodes(text, shown).filter(node => !isEmpty(node));
	return parseYaml(text, shown).map((value, index) => {
		const document = documentOf(value, nodes[index], shown);
		if (document.kind === 'Config') return readConfig(document, shown);
		throw wrong(shown, document.node?.line, `it has a ${document.kind}`, 'Keep Configs alone in this file.');
	});
}

interface Document {
	readonly kind: string;
	readonly value: Readonly<Record<string, unknown>>;
	readonly node: YamlNode | undefined;
}

const ours = 'apps.sealos.io/v1beta1';

function documentOf(value: unknown, node: YamlNode | undefined, shown: string): Document {
	const {apiVersion, kind} = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
	if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
		throw wrong(
			shown,
			node?.line,
			'a document has no apiVersion and kind',
			`Begin each with them, as "apiVersion: ${ours}".`,
		);
	}
	const isOurs = kind === 'Cluster' || kind === 'Config';
	if (isOurs && apiVersion !== ours) {
		throw wrong(
			shown,
			node?.line,
			`the ${kind} is of apiVersion ${apiVersion}, expected ${ours}`,
			'Rewrite it for this version.',
		);
	}
	if (!isOurs && !(documentKinds as readonly string[]).includes(kind)) {
		throw wrong(
			shown,
			node?.line,
			`a document is of kind ${kind}, which has no meaning in a Clusterfile`,
			`Known are Cluster, Config, ${documentKinds.join(', ')}.`,
		);
	}
	if (node !== undefined && isOurs) checkKeys(node, kind === 'Cluster' ? clusterKeys : configKeys, shown);
	return {kind, value: value as Record<string, unknown>, node};
}

const any: KnownKeys = 'anything';
const ssh: KnownKeys = {user: any, passwd: any, pk: any, pkName: any, pkData: any, pkPasswd: any, port: any};
const metadata: KnownKeys = {name: any, creationTimestamp: any, labels: any, annotations: any};

const clusterKeys: KnownKeys = {
	apiVersion: any,
	kind: any,
	metadata,
	spec: {image: any, ssh, env: any, command: any, hosts: {ips: any, roles: any, env: any, ssh}},
	status: any,
};

const configKeys: KnownKeys = {
	apiVersion: any,
	kind: any,
	metadata,
	spec: {match: any, path: any, data: any, strategy: any},
	status: any,
};

function readCluster(document: Document, shown: string): Omit<Clusterfile, 'configs' | 'kubeadm'> {
	const reader = createReader(document, shown);
	const spec = reader.map(['spec']);
	const hosts = reader.list(['spec', 'hosts']);
	return {
		name: readName(reader.text(['metadata', 'name']) ?? 'default', reader),
		images: reader.texts(['spec', 'image']) ?? [],
		env: readEnv(reader, ['spec', 'env']),
		...(spec.command === undefined ? {} : {command: reader.texts(['spec', 'command'])}),
		hosts: hosts.map((_, index) => {
			const place = ['spec', 'hosts', index] as const;
			return {
				ips: reader.texts([...place, 'ips']) ?? [],
				roles: reader.texts([...place, 'roles']) ?? [],
				env: readEnv(reader, [...place, 'env']),
			};
		}),
	};
}

function readConfig(document: Document, shown: string): ConfigDocument {
	const reader = createReader(document, shown);
	const path = reader.text(['spec', 'path']);
	const strategy = reader.text(['spec', 'strategy']) ?? 'override';
	if (path === undefined || path === '')
		throw reader.wrong(['spec', 'path'], 'is missing', 'Say which file of the image it is.');
	if (path.split('/').includes('..'))
		throw reader.wrong(['spec', 'path'], 'leads out of the image', 'Write a path below the root of the image.');
	if (!(configStrategies as readonly string[]).includes(strategy)) {
		throw reader.wrong(
			['spec', 'strategy'],
			`is ${JSON.stringify(strategy)}`,
			`Write one of ${configStrategies.join(', ')}.`,
		);
	}
	return {
		name: reader.text(['metadata', 'name']) ?? '',
		match: reader.text(['spec', 'match']) ?? '',
		path,
		strategy: strategy as ConfigStrategy,
		data: reader.text(['spec', 'data']) ?? '',
	};
}

/** Fields that its own version does not have are found here, where their lines are known; conversion finds the others. */
function readKubeadm({value, node}: Document, shown: string): KubeadmDocument {
	const document = value as unknown as KubeadmDocument;
	const [, api] = /^kubeadm\.k8s\.io\/(v1beta[234])$/.exec(document.apiVersion) ?? [];
	if (api === undefined) return document;
	try {
		checkFields(document, api as KubeadmApi);
	} catch (error) {
		if (!hasCode(error, 'ERR_KUBEADM_DOCUMENT')) throw error;
		const {message, hint, details} = error as SealError;
		const path = Array.isArray(details.path) ? (details.path as readonly string[]).slice(1) : [];
		throw wrong(shown, lineOf(node, path), message, hint ?? '');
	}
	return document;
}

/** It becomes a part of file names and of object names in the cluster. */
function readName(name: string, reader: Reader): string {
	if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name;
	throw reader.wrong(
		['metadata', 'name'],
		`is ${JSON.stringify(name.slice(0, 100))}`,
		'Use small letters, digits and hyphens, up to 63 of them.',
	);
}

function readEnv(reader: Reader, place: Place): Readonly<Record<string, string>> {
	const pairs = (reader.texts(place) ?? []).map((line, index): [string, string] => {
		const equals = line.indexOf('=');
		const name = line.slice(0, Math.max(equals, 0));
		if (!/^[A-Za-z_]\w*$/.test(name)) throw reader.wrong([...place, index], 'is no variable', 'Write NAME=VALUE.');
		return [name, line.slice(equals + 1)];
	});
	return Object.fromEntries(pairs);
}

type Place = ReadonlyArray<string | number>;

interface Reader {
	/** Empty when it is absent. */
	map(place: Place): Readonly<Record<string, unknown>>;
	list(place: Place): readonly unknown[];
	text(place: Place): string | undefined;
	/** A list of texts, or one text, which is a list of one. */
	texts(place: Place): readonly string[] | undefined;
	wrong(place: Place, why: string, hint: string): SealError;
}

function createReader({value, node}: Document, shown: string): Reader {
	const at = (place: Place): unknown => {
		let found: unknown = value;
		for (const key of place) found = typeof found === 'object' && found !== null ? (found as never)[key] : undefined;
		return found ?? undefined;
	};
	const refuse = (place: Place, why: string, hint: string): SealError =>
		wrong(shown, lineOf(node, place), `${nameOf(place)} ${why}`, hint);
	const asText = (found: unknown, place: Place): string => {
		if (typeof found === 'string') return found;
		throw refuse(place, 'is no text', 'Write it in quotes if it looks like something else.');
	};
	return {
		map(place) {
			const found = at(place) ?? {};
			if (typeof found === 'object' && !Array.isArray(found)) return found as Record<string, unknown>;
			throw refuse(place, 'is no map', 'Write "name: value" lines below it.');
		},
		list(place) {
			const found = at(place) ?? [];
			if (Array.isArray(found)) return found as unknown[];
			throw refuse(place, 'is no list', 'Write items with a dash in front.');
		},
		text(place) {
			const found = at(place);
			return found === undefined ? undefined : asText(found, place);
		},
		texts(place) {
			const found = at(place);
			if (found === undefined) return undefined;
			if (typeof found === 'string') return [found];
			if (!Array.isArray(found)) throw refuse(place, 'is no list', 'Write items with a dash in front.');
			return (found as unknown[]).map((item, index) => asText(item, [...place, index]));
		},
		wrong: refuse,
	};
}

/** `spec.hosts[0].ips`. */
function nameOf(place: Place): string {
	return place.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('');
}

function isEmpty(node: YamlNode): boolean {
	return node.kind === 'scalar' && !node.quoted && ['', '~', 'null', 'Null', 'NULL'].includes(node.value);
}

function wrong(shown: string, line: number | undefined, why: string, hint: string): SealError {
	const where = line === undefined ? shown : `${shown}:${line}`;
	return new SealError('ERR_CLUSTERFILE', `${where} cannot be used: ${why}`, {
		hint,
		...(line === undefined ? {} : {details: {line}}),
	});
}
