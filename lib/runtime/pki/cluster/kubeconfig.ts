import {Secret} from '../../../core/secret.js';
import {parseYaml} from '../../../core/yaml.js';

/** What a kubeconfig that we write holds: one cluster, one user. */
export interface KubeconfigContent {
	readonly cluster: string;
	/** `https://HOST:PORT` */
	readonly server: string;
	readonly authorityPem: string;
	readonly user: string;
	readonly credentials: {readonly certPem: string; readonly keyPem: Secret} | {readonly path: string};
}

/** A kubeconfig as kubeadm writes it: names, order and all. */
export function formatKubeconfig({cluster, server, authorityPem, user, credentials}: KubeconfigContent): Secret {
	const context = plain(`${user}@${cluster}`);
	const login =
		'path' in credentials
			? [`    client-certificate: ${plain(credentials.path)}`, `    client-key: ${plain(credentials.path)}`]
			: [
					`    client-certificate-data: ${base64(credentials.certPem)}`,
					`    client-key-data: ${base64(credentials.keyPem.reveal())}`,
				];
	const lines = [
		'apiVersion: v1',
		'clusters:',
		'- cluster:',
		`    certificate-authority-data: ${base64(authorityPem)}`,
		`    server: ${plain(server)}`,
		`  name: ${plain(cluster)}`,
		'contexts:',
		'- context:',
		`    cluster: ${plain(cluster)}`,
		`    user: ${plain(user)}`,
		`  name: ${context}`,
		`current-context: ${context}`,
		'kind: Config',
		'preferences: {}',
		'users:',
		`- name: ${plain(user)}`,
		'  user:',
		...login,
		'',
	];
	return new Secret(lines.join('\n'));
}

/** What the current context of a kubeconfig says; what it does not say, or says in another form, is undefined. */
export interface ReadKubeconfig {
	readonly cluster: string | undefined;
	readonly server: string | undefined;
	readonly authorityPem: string | undefined;
	readonly certPem: string | undefined;
	readonly keyPem: Secret | undefined;
	/** A file that holds the client's certificate. */
	readonly certPath: string | undefined;
	readonly keyPath: string | undefined;
}

/** Undefined for what is no kubeconfig with a current context. */
export function readKubeconfig(text: string): ReadKubeconfig | undefined {
	const document = text.length > maxChars ? undefined : tryParse(text);
	const name = document?.['current-context'];
	const context = entry(document?.contexts, name)?.context ?? undefined;
	if (context === undefined) return undefined;
	const cluster = entry(document?.clusters, context.cluster)?.cluster ?? {};
	const user = entry(document?.users, context.user)?.user ?? {};
	const key = fromBase64(user['client-key-data']);
	return {
		cluster: textOf(context.cluster),
		server: textOf(cluster.server),
		authorityPem: fromBase64(cluster['certificate-authority-data']),
		certPem: fromBase64(user['client-certificate-data']),
		keyPem: key === undefined ? undefined : new Secret(key),
		certPath: textOf(user['client-certificate']),
		keyPath: textOf(user['client-key']),
	};
}

/** A kubeconfig with three certificates is a tenth of this. */
const maxChars = 256 * 1024;

type Fields = Readonly<Record<string, unknown>>;

interface Entry {
	readonly name?: unknown;
	readonly context?: Fields;
	readonly cluster?: Fields;
	readonly user?: Fields;
}

function tryParse(text: string): Fields | undefined {
	try {
		const [document] = parseYaml(text);
		return typeof document === 'object' && document !== null ? (document as Fields) : undefined;
	} catch {
		// What the parser says may quote a key.
		return undefined;
	}
}

function entry(list: unknown, name: unknown): Entry | undefined {
	if (!Array.isArray(list) || typeof name !== 'string') return undefined;
	return (list as (Entry | null)[]).find(item => item?.name === name) ?? undefined;
}

function textOf(value: unknown): string | undefined {
	return typeof value === 'string' ? value : undefined;
}

function fromBase64(value: unknown): string | undefined {
	return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : undefined;
}

function base64(text: string): string {
	return Buffer.from(text).toString('base64');
}

/** What YAML could take for something else than a text is quoted. */
function plain(text: string): string {
	return /^[A-Za-z/][\w./:@-]*$/.test(text) && !/:$|^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
		? text
		: JSON.stringify(text);
}
