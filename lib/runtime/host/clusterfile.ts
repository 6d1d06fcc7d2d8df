import {closest} from '../../core/closest.js';
import {SealError} from '../../core/errors.js';
import {Secret} from '../../core/secret.js';
import {parseYaml} from '../../core/yaml.js';
import {splitHost} from './address.js';
import {type ListedHost, parseHostList} from './list.js';
import {checkCount} from './range.js';
import type {HostLogin, Identity} from './target.js';

/**
 * The hosts of a Clusterfile of sealos (`kind: Cluster`, `spec.hosts`, `spec.ssh`), with the roles and logins that it gives
 * them. Only what reaches hosts is read.
 * @throws SealError ERR_CLUSTERFILE, ERR_YAML, ERR_HOST_INVALID, ERR_HOST_RANGE
 */
export function parseClusterfile(text: string, options: ClusterfileOptions): readonly ListedHost[] {
	const {shown, home, overrides} = options;
	const {hosts, ssh} = specOf(text, shown);
	const common = {user: 'root', ...readLogin(ssh, 'spec.ssh', shown, home)};
	const found: ListedHost[] = [];
	for (const [i, item] of list(hosts, 'spec.hosts', shown).entries()) {
		const place = `spec.hosts[${i}]`;
		const host = map(item, place, shown);
		const roles = texts(host.roles ?? [], `${place}.roles`, shown).filter(role => !architectures.has(role));
		const own = readLogin(host.ssh, `${place}.ssh`, shown, home);
		for (const ip of texts(host.ips, `${place}.ips`, shown)) {
			for (const listed of parseHostList(ip, roles))
				found.push({...listed, login: {...common, ...own, ...overrides, ...listed.login}});
			checkCount(found.length);
		}
	}
	return found;
}

export interface ClusterfileOptions {
	/** The name of the file in errors. */
	readonly shown: string;
	/** The folder that `~` in paths of keys means. */
	readonly home: string;
	/** Counts more than what the file says of its hosts, except for the port behind an address. */
	readonly overrides?: HostLogin | undefined;
}

/** sealos writes the architecture of a host between its roles. */
const architectures: ReadonlySet<string> = new Set(['amd64', 'arm64', 'x86_64', 'aarch64']);

function specOf(text: string, shown: string): {readonly hosts: unknown; readonly ssh: unknown} {
	if (/\{\{/.test(text)) {
		throw wrong(
			shown,
			'it is a template',
			'Name a rendered Clusterfile: sealos keeps one in ~/.sealos/NAME/Clusterfile.',
		);
	}
	const clusters = parseYaml(text, shown).filter(
		document => typeof document === 'object' && (document as {kind?: unknown}).kind === 'Cluster',
	);
	if (clusters.length !== 1) {
		throw wrong(
			shown,
			`it has ${clusters.length === 0 ? 'no document' : `${clusters.length} documents`} of kind Cluster, and one is needed`,
			'Name a file with one Cluster in it.',
		);
	}
	const spec = map((clusters[0] as {spec?: unknown}).spec, 'spec', shown);
	if (spec.hosts === undefined && Object.keys(spec).length > 0) {
		const near = closest('hosts', Object.keys(spec));
		throw wrong(shown, 'spec.hosts is missing', near === undefined ? undefined : `Is "${near}" meant to be "hosts"?`);
	}
	return {hosts: spec.hosts, ssh: spec.ssh};
}

/** `user`, `port`, `passwd`, `pk` (a path), `pkData` (the key itself) and `pkPasswd`; empty texts are as good as none. */
function readLogin(value: unknown, place: string, shown: string, home: string): HostLogin {
	if (value === undefined || value === null) return {};
	const ssh = map(value, place, shown);
	const field = (name: string): string | undefined => {
		const found = ssh[name];
		if (found === undefined || found === null || found === '') return undefined;
		if (typeof found === 'string' || typeof found === 'number') return String(found);
		throw wrong(shown, `${place}.${name} is neither a text nor a number`);
	};
	const [user, passwd, pkPasswd] = [field('user'), field('passwd'), field('pkPasswd')];
	// 0 is what sealos writes for "not said".
	const port = field('port') === '0' ? undefined : field('port');
	const identities = readIdentities(field('pk'), field('pkData'), home);
	const reach = splitHost(`${user === undefined ? '' : `${user}@`}host${port === undefined ? '' : `:${port}`}`);
	return {
		...(reach.user === undefined ? {} : {user: reach.user}),
		...(reach.port === undefined ? {} : {port: reach.port}),
		...(passwd === undefined ? {} : {password: new Secret(passwd)}),
		...(pkPasswd === undefined ? {} : {passphrase: new Secret(pkPasswd)}),
		...(identities.length === 0 ? {} : {identities}),
	};
}

function readIdentities(pk: string | undefined, pkData: string | undefined, home: string): readonly Identity[] {
	if (pkData !== undefined) return [{key: new Secret(pkData)}];
	return pk === undefined ? [] : [{file: pk.replace(/^~(?=\/)/, home)}];
}

function map(value: unknown, place: string, shown: string): Readonly<Record<string, unknown>> {
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw wrong(shown, `${place} is no map`);
}

function list(value: unknown, place: string, shown: string): readonly unknown[] {
	if (Array.isArray(value)) return value;
	throw wrong(shown, `${place} is no list`);
}

function texts(value: unknown, place: string, shown: string): readonly string[] {
	return list(value, place, shown).map((item, i) => {
		if (typeof item === 'string') return item;
		throw wrong(shown, `${place}[${i}] is no text`);
	});
}

function wrong(shown: string, why: string, hint?: string): SealError {
	return new SealError('ERR_CLUSTERFILE', `The hosts of ${shown} cannot be read: ${why}`, {
		hint: hint ?? 'Compare the file with the Clusterfile that "sealos gen" prints.',
	});
}
