import {join} from 'node:path';
import {build} from 'esbuild';
import {makeAgent, makeCertificates} from './agent.js';

export const virtualAddress = '10.103.97.2';
export const port = 6443;
export const node = 'bench-lb-node';
const servers = ['bench-lb-a', 'bench-lb-b', 'bench-lb-c'];
/** Where the agent and the programs of the bench are, on each host. */
export const onHostFolder = '/opt/sealimage/current';
const programs = join(import.meta.dirname, 'on-host');

/** Hosts of the lab: a node, and so many servers. `close` removes them. */
export async function openScene(dir, serverCount) {
	const lab = await import('../../.build/test/lab/hosts.js');
	const members = servers.slice(0, serverCount);
	const all = [node, ...members];
	const close = () => all.forEach(name => void lab.removeHost(name));
	const hosts = await lab.bootHosts(all, {fresh: true});
	try {
		const address = Object.fromEntries(hosts.map(host => [host.name, host.address]));
		const agent = makeAgent(dir);
		await bundlePolicy(join(agent, 'versions/bench'));
		const certificates = await makeCertificates(join(dir, 'certificates'), Object.values(address));
		for (const name of all) {
			for (const folder of [agent, programs, certificates]) lab.copyToHost(name, folder, '/opt');
			lab.onHost(name, `mv /opt/on-host/* /opt/certificates/* ${onHostFolder}/ && sync`);
		}
		lab.onHost(
			node,
			`mkdir -p /etc/sealimage && cp ${onHostFolder}/ca.crt /etc/sealimage/ && modprobe -a ip_vs ip_vs_rr`,
		);
		return {lab, address, members, close};
	} catch (error) {
		close();
		throw error;
	}
}

/** A unit that comes back when the host does. */
export function enableUnit(lab, host, name, command) {
	const unit = `[Service]\nWorkingDirectory=${onHostFolder}\nExecStart=${command}\nRestart=always\nLimitNOFILE=65536\n[Install]\nWantedBy=multi-user.target\n`;
	lab.onHost(
		host,
		`cat > /etc/systemd/system/${name}.service && systemctl daemon-reload && systemctl -q enable --now ${name} && sync`,
		unit,
	);
}

/** Beside the agent, whose koffi it takes. */
async function bundlePolicy(folder) {
	await build({
		entryPoints: ['bench/lb/lvscare-policy.js'],
		outfile: join(folder, 'lvscare-policy.js'),
		bundle: true,
		platform: 'node',
		format: 'esm',
		logLevel: 'silent',
		banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);"},
		plugins: [{name: 'koffi', setup: besideKoffi}],
	});
}

function besideKoffi(bundler) {
	bundler.onResolve({filter: /^koffi$/}, () => ({path: 'koffi', namespace: 'beside'}));
	bundler.onLoad({filter: /.*/, namespace: 'beside'}, () => ({contents: "export default require('./koffi.node');"}));
	bundler.onResolve({filter: /koffi\.node$/}, ({path}) => ({path, external: true}));
}
