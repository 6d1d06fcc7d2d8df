import test from 'ava';
import {parseYaml} from '../../lib/core/yaml.js';
import {watchdogMs} from '../../lib/lb/notify.js';
import {formatMetrics, reportBalancer} from '../../lib/lb/report.js';
import {runBalancer} from '../../lib/lb/run.js';
import {readSpec} from '../../lib/lb/spec.js';
import {ipvsForm} from '../../lib/lb/table.js';
import {balancerUnit, staticPod} from '../../lib/lb/unit.js';
import {ipvsModel} from '../helpers/ipvs-model.js';

const spec = readSpec({members: ['10.0.0.1', '10.0.0.2']}, 'the test');

test('without a balancer the report says what the kernel has', t => {
	const table = ipvsForm(spec, ipvsModel());
	t.like(reportBalancer(spec, table), {service: '10.103.97.2:6443', inKernel: false});
	t.deepEqual(
		reportBalancer(spec, table).members.map(({member, phase, weight}) => [member, phase, weight]),
		[
			['10.0.0.1:6443', undefined, undefined],
			['10.0.0.2:6443', undefined, undefined],
		],
	);
});

test('with one it says how members stand, also as metrics', async t => {
	const table = ipvsForm(spec, ipvsModel());
	const balancer = runBalancer(spec, table, {signal: AbortSignal.abort(), now: () => 1000});
	await balancer.done;
	const report = reportBalancer(spec, table, balancer, 3500);
	t.like(report.members[0], {member: '10.0.0.1:6443', phase: 'healthy', forMs: 2500, weight: 1});
	const metrics = formatMetrics(report);
	for (const line of [
		'# TYPE sealimage_lb_up gauge',
		'sealimage_lb_up{service="10.103.97.2:6443"} 1',
		'sealimage_lb_member_phase{service="10.103.97.2:6443",member="10.0.0.1:6443",phase="healthy"} 1',
		'sealimage_lb_member_phase{service="10.103.97.2:6443",member="10.0.0.1:6443",phase="dead"} 0',
		'sealimage_lb_member_weight{service="10.103.97.2:6443",member="10.0.0.2:6443"} 1',
		'sealimage_lb_probes_total{service="10.103.97.2:6443"} 0',
	])
		t.true(metrics.split('\n').includes(line), line);
	for (const line of metrics.trim().split('\n')) t.regex(line, /^(?:# (?:HELP|TYPE) \w+ .+|\w+\{[^{}]+\} -?\d+)$/);
});

test('the unit comes before kubelet, starts again always, and may do little', t => {
	for (const line of [
		'Before=kubelet.service',
		'Restart=always',
		'Type=notify',
		'NoNewPrivileges=yes',
		'ProtectSystem=strict',
		'CapabilityBoundingSet=CAP_NET_ADMIN',
	])
		t.true(balancerUnit.split('\n').includes(line), line);
});

test('the static pod is a pod that kubelet can read', t => {
	const [pod] = parseYaml(staticPod({image: 'registry.example.com/rootfs:v1 "x'})) as {
		kind: string;
		spec: {
			hostNetwork: boolean;
			containers: {image: string; volumeMounts: {name: string}[]}[];
			volumes: {name: string}[];
		};
	}[];
	t.is(pod?.kind, 'Pod');
	t.true(pod?.spec.hostNetwork);
	t.is(pod?.spec.containers[0]?.image, 'registry.example.com/rootfs:v1 "x');
	t.deepEqual(
		pod?.spec.volumes.map(({name}) => name),
		pod?.spec.containers[0]?.volumeMounts.map(({name}) => name),
	);
});

test('the watchdog is fed twice in its time', t => {
	t.is(watchdogMs('60000000'), 30_000);
	for (const none of [undefined, '', '0', 'x']) t.is(watchdogMs(none), undefined);
});
