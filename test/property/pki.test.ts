import {X509Certificate} from 'node:crypto';
import {isIP} from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {hasCode, isSealError} from '../../lib/core/errors.js';
import {createAuthority, issueLeaf} from '../../lib/runtime/pki/authority.js';
import {parseObserved} from '../../lib/runtime/pki/check/observe.js';
import {describeCluster, type PkiClusterSpec} from '../../lib/runtime/pki/cluster/description.js';
import {itemsOf} from '../../lib/runtime/pki/cluster/items.js';
import {readKubeconfig} from '../../lib/runtime/pki/cluster/kubeconfig.js';
import {authorityPlaces} from '../../lib/runtime/pki/cluster/places.js';
import {leafProblem} from '../../lib/runtime/pki/judge.js';
import {readCertificate, readCertificates} from '../../lib/runtime/pki/read-certificate.js';
import {readDer} from '../../lib/runtime/pki/read-der.js';
import {changes, pkiNow, planAll, textOf, written} from '../helpers/cluster-pki.js';

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$/);
const name = fc.array(label, {minLength: 1, maxLength: 3}).map(labels => labels.join('.'));
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const host = fc.record({name, address, addresses: fc.array(address, {maxLength: 3})});

/** Any cluster that may be. */
const clusters: fc.Arbitrary<PkiClusterSpec> = fc
	.record({
		minor: fc.integer({min: 20, max: 37}),
		hosts: fc.uniqueArray(host, {selector: one => one.name, minLength: 1, maxLength: 4}),
		masters: fc.integer({min: 1, max: 3}),
		serviceCidrs: fc.subarray(['10.96.0.0/12', 'fd00:96::/108'], {minLength: 1}),
		virtualAddresses: fc.array(address, {maxLength: 2}),
		apiNames: fc.array(fc.oneof(name, address), {maxLength: 3}),
		etcdNames: fc.array(fc.oneof(name, address), {maxLength: 2}),
		dnsDomain: name,
	})
	.map(({minor, hosts, masters, ...rest}) => ({
		...rest,
		kubernetesVersion: `1.${minor}`,
		masters: hosts.slice(0, masters),
		nodes: hosts.slice(masters),
	}));

test('any cluster gets certificates that verify, have all their names, and stay', async t => {
	await fc.assert(
		fc.asyncProperty(clusters, async spec => {
			const cluster = describeCluster(spec);
			const found = written(await planAll(spec));
			for (const one of [...cluster.masters, ...cluster.nodes]) {
				const files = found.get(one.name)!;
				for (const item of itemsOf(cluster, one)) {
					if (item.form.kind !== 'pair') continue;
					const pem = textOf(files, item.form.certificate);
					// Only masters have the other authorities.
					const authority = new X509Certificate(
						textOf(found.get(cluster.firstMaster), authorityPlaces[item.authority].certificate),
					);
					const leaf = new X509Certificate(pem);
					if (!leaf.checkIssued(authority) || !leaf.verify(authority.publicKey)) return false;
					const isNamed = item.alternativeNames.every(text =>
						isIP(text) !== 0 ? leaf.checkIP(text) !== undefined : leaf.checkHost(text) !== undefined,
					);
					if (!isNamed) return false;
				}
			}
			return changes(await planAll(spec, found)).length === 0;
		}),
		{numRuns: 12},
	);
	t.pass();
});

const sample = createAuthority({subject: {commonName: 'ca'}, now: pkiNow}).then(async ca => ({
	ca,
	leaf: await issueLeaf(ca, {
		subject: {commonName: 'leaf', organizations: ['o']},
		purposes: ['server'],
		alternativeNames: ['a.example', '10.0.0.1'],
		now: pkiNow,
	}),
}));

/** Bytes of a good certificate with some of them changed, cut out or put in. */
const damage = fc.array(
	fc.record({at: fc.nat(), what: fc.constantFrom('set', 'cut', 'put'), byte: fc.integer({min: 0, max: 255})}),
	{minLength: 1, maxLength: 8},
);

test('a certificate with any damage is read or refused, never more', async t => {
	const {ca, leaf} = await sample;
	const good = new X509Certificate(leaf.certPem).raw;
	fc.assert(
		fc.property(damage, changesOfBytes => {
			let bytes = good;
			for (const {at, what, byte} of changesOfBytes) {
				const place = at % bytes.length;
				const [before, after] = [bytes.subarray(0, place), bytes.subarray(what === 'put' ? place : place + 1)];
				bytes = Buffer.concat([before, ...(what === 'cut' ? [] : [Buffer.from([byte])]), after]);
			}
			try {
				const {notAfter, notBefore} = readCertificate(pemOf(bytes), 'it');
				return !Number.isNaN(notAfter.getTime() + notBefore.getTime());
			} catch (error) {
				return hasCode(error, 'ERR_CERTIFICATE');
			}
		}),
		{numRuns: 3000},
	);
	const demands = {authorityPem: ca.certPem, alternativeNames: [], now: pkiNow};
	t.is(leafProblem(leaf, demands), undefined);
});

test('any bytes are DER or refused with a RangeError, in time', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 600}), bytes => {
			const walk = (buffer: Buffer, depth: number): void => {
				if (depth > 20) return;
				for (const {tag, content} of readDer(buffer)) if ((tag & 0x20) !== 0) walk(content, depth + 1);
			};
			try {
				walk(Buffer.from(bytes), 0);
				return true;
			} catch (error) {
				return error instanceof RangeError;
			}
		}),
		{numRuns: 3000},
	);
	t.pass();
});

test('any text is no kubeconfig, or one; any answer of a host is understood or refused', t => {
	const shard = fc.constantFrom(
		'apiVersion: v1\n',
		'contexts:\n',
		'- context: ',
		'name: x\n',
		'null',
		'[]',
		'{',
		'&a',
		'*a',
		'current-context: x\n',
		'-----BEGIN CERTIFICATE-----',
		'pem /a ',
		'QQ==',
		'end\n',
		'flag etcd --a=b\n',
		'component etcd\n',
		'conf /a ',
		'\n',
		'\0',
	);
	const text = fc
		.array(fc.oneof(shard, fc.string({unit: 'binary', maxLength: 10})), {maxLength: 20})
		.map(parts => parts.join(''));
	fc.assert(
		fc.property(text, given => {
			readKubeconfig(given);
			try {
				readCertificates(given, 'it');
			} catch (error) {
				if (!isSealError(error)) return false;
			}
			try {
				parseObserved(given);
			} catch (error) {
				return error instanceof Error;
			}
			return true;
		}),
		{numRuns: 3000},
	);
	t.pass();
});

function pemOf(der: Buffer): string {
	return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
