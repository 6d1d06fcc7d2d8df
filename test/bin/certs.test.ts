import {join} from 'node:path';
import test from 'ava';
import type {CheckedCertificate} from '../../lib/runtime/pki/check/row.js';
import type {HostFinding} from '../../lib/runtime/preflight/finding.js';
import {planAll, threeMasters} from '../helpers/cluster-pki.js';
import {writePki, writeText} from '../helpers/pki-root.js';
import {cliWithHosts} from '../helpers/ssh-cli.js';

test('certs check shows the certificates of hosts, and its exit code is 1 when one is wrong', async t => {
	const {run, ok, names, login, dir} = await cliWithHosts(t, 1);
	const root = join(dir, 'disk');
	const [plan] = await planAll(threeMasters, new Map(), {now: new Date()});
	writePki(root, plan!.files);
	const words = ['certs', 'check', ...login, '--no-sudo', '--host-root', `${root}/`, names[0]!];
	const text = await ok(...words, '--days', '36135');
	t.regex(text, /^HOST +ITEM +SUBJECT +ENDS +LEFT +CHAIN +PLACE$/m);
	t.regex(text, /^\S+ +etcd\/peer +CN=m1 +21\d\d-\d\d-\d\d +\d\dy +ok +\/etc\/kubernetes\/pki\/etcd\/peer.crt$/m);
	t.regex(text, /^18 certificates on 1 host; the first to end is \S+ of \S+, on 21/m);
	t.notRegex(text, /error|warning/);
	const long = await run([...words, '--days', '40000', '--output', 'json']);
	t.is(long.exitCode, 1);
	const {certificates, findings} = JSON.parse(long.stdout) as {
		certificates: CheckedCertificate[];
		findings: HostFinding[];
	};
	t.is(certificates.length, 18);
	t.true(findings.every(({id, severity}) => id === 'certificate-ends' && severity === 'error'));
	writeText(root, '/etc/kubernetes/pki/apiserver.crt', 'garbage');
	const damaged = await run(words);
	t.is(damaged.exitCode, 1);
	t.regex(
		damaged.stdout,
		/^error: \S+: \/etc\/kubernetes\/pki\/apiserver.crt holds no certificate .*\[certificate-unreadable\]$/m,
	);
});

test('a host without certificates is no sound host, and what to look at is said', async t => {
	const {run, names, login, dir} = await cliWithHosts(t, 1);
	const {exitCode, stdout} = await run(['certs', 'check', ...login, '--no-sudo', '--host-root', dir, names[0]!]);
	t.is(exitCode, 1);
	t.regex(stdout, /^error: \S+: No certificate of Kubernetes was found \[certificates-missing\]$/m);
	t.regex(stdout, /--host-root/);
	t.regex(stdout, /^no certificates on 1 host$/m);
});
