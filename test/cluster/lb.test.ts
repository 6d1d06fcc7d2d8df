import {judgeScenario} from '../lab/balancer/judge.js';
import {labPlaces, labSite} from '../lab/balancer/lab-site.js';
import {scenarios} from '../lab/balancer/scenarios.js';
import {onlyBy, type Scene, setScene} from '../lab/balancer/scene.js';
import {serverNames} from '../lab/balancer/site.js';
import {onLabHosts} from './lab-test.js';

/**
 * A node, three servers, connections all the time: what each trouble costs is in the log of the tests. What only the kernel's table has to do with is tried
 * with IPv4 alone. New connections are as many as a lab host can bear beside all else.
 */
const labTest = onLabHosts(labPlaces, {alone: true});
const load = {perSecond: 100, long: 20};
const alsoIn6 = ['power cut', 'cable out', 'planned end (`/readyz` fails first)', 'table flushed by somebody else'];
let scene: Scene;

for (const version of ['4', '6'] as const) {
	labTest(`IPVS, IPv${version}: all three servers get connections from the first second on`, async t => {
		scene = await setScene(await labSite(version), load);
		t.pass();
	});

	labTest(`IPVS, IPv${version}: probes come from ports that no client gets`, async t => {
		const {site} = scene;
		const [, highest = ''] = site.run('node', 'cat /proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/);
		const daemon = `pid=${site.pid('node', 'daemon')},`;
		const own = site
			.run('node', `ss -Htnp 'dport = :6443' | grep '${daemon}'`)
			.trim()
			.split('\n')
			.map(line => Number(/:(\d+) /.exec(line)?.[1]));
		t.is(own.length, serverNames.length);
		t.true(
			own.every(port => port > Number(highest)),
			own.join(),
		);
	});

	for (const scenario of scenarios.filter(({title}) => version === '4' || alsoIn6.includes(title)))
		labTest(`IPVS, IPv${version}: ${scenario.title}`, async t => {
			await judgeScenario(t, scene, scenario);
		});

	labTest(`IPVS, IPv${version}: a balancer that is stopped leaves its table, and all connections go on`, async t => {
		const {site, seconds, now, until} = scene;
		const from = seconds.length;
		site.stop('node', 'daemon');
		await until(onlyBy(scene, serverNames), now(), 3);
		t.is(
			seconds.slice(from).reduce((sum, {cut}) => sum + cut, 0),
			0,
		);
		await scene.close();
	});
}
