import {once} from 'node:events';
import {connect} from 'node:net';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import {balancerUnit, unitFile} from '../../dist/lib/lb/unit.js';
import {enableUnit, node, onHostFolder, openScene, port, virtualAddress} from './scene.js';

const controlPort = 7000;
/** Failures come one after the other until the member is out: so long without one is the end of them. */
const quietMs = 4000;
/** Between the word that a server goes, and its end. */
const noticeMs = 3000;

export const policies = {
	sealimage: {title: 'sealimage', intervalMs: 1000, start: startOurs, stop: 'systemctl stop sealimage-lb'},
	lvscare: {title: 'the policy of lvscare', intervalMs: 5000, start: startLvscare, stop: 'systemctl stop lvscare'},
};

/** A power cut of one of three servers, and a planned end of one, with new connections all the time. */
export async function measureFailover({dir, runs, drains, policies: wanted, perSecond, longCount}) {
	const scene = await openScene(dir, 3);
	const {lab, members} = scene;
	try {
		for (const name of members)
			enableUnit(lab, name, 'server', `${onHostFolder}/node servers.js ${onHostFolder} ${port}`);
		const rows = [];
		for (const policy of wanted) {
			policies[policy].start(scene);
			await sleep(2000);
			const client = `${onHostFolder}/node connections.js ${virtualAddress} ${port} ${perSecond} ${longCount} ${controlPort}`;
			enableUnit(lab, node, 'client', client);
			const ask = await openClient(scene.address[node]);
			const crashes = [];
			const planned = [];
			for (let run = 0; run < runs; run++) crashes.push(await crashOne(scene, ask, policy, members[run % 3]));
			for (let run = 0; run < drains; run++) planned.push(await drainOne(scene, ask, policy, members[run % 3]));
			rows.push({policy, crashes, planned});
			ask.close();
			lab.onHost(node, `systemctl stop client; ${policies[policy].stop}`);
		}
		return rows;
	} finally {
		scene.close();
	}
}

async function crashOne({lab, members}, ask, policy, victim) {
	await steady(ask, members);
	// At any moment between two probes.
	await sleep(Math.random() * policies[policy].intervalMs);
	const crashedAt = Date.now() + (await clockDifference(ask));
	lab.crash(victim);
	const found = await untilQuiet(ask, crashedAt);
	const told = found.cuts.filter(({by}) => by === victim);
	const row = {
		lastBegunMs: (found.lastFailedAt ?? crashedAt) - crashedAt,
		lastGivenUpMs: (found.lastFailureAt ?? crashedAt) - crashedAt,
		failed: found.failed,
		longTold: told.length,
		longUntold: found.long.filter(by => by === victim).length,
		othersCut: found.cuts.length - told.length,
		longToldMs: told.length === 0 ? undefined : Math.max(...told.map(({at}) => at)) - crashedAt,
	};
	console.error(`${policy}: last failed connection ${row.lastBegunMs.toFixed(0)} ms after the power cut of ${victim}`);
	await lab.bootHosts([victim]);
	return row;
}

/** The server says that it goes, as an API server does, and stops after the notice. */
async function drainOne({lab, members}, ask, policy, victim) {
	await steady(ask, members);
	await sleep(Math.random() * policies[policy].intervalMs);
	const since = Date.now() + (await clockDifference(ask));
	lab.onHost(victim, `echo unready > ${onHostFolder}/mode`);
	await sleep(noticeMs);
	lab.onHost(victim, 'systemctl stop server');
	const {failed} = await untilQuiet(ask, since, noticeMs + quietMs);
	console.error(`${policy}: ${failed} connections failed at the planned end of ${victim}`);
	lab.onHost(victim, `rm ${onHostFolder}/mode && systemctl start server`);
	return {failed};
}

/** All servers answer, and nothing fails. */
async function steady(ask, members) {
	for (let attempt = 0; attempt < 240; attempt++) {
		const {now} = await ask({});
		await sleep(500);
		const {failed, by, long} = await ask({since: now - 2000});
		const areAll = members.every(name => by[name] > 0);
		if (failed === 0 && areAll && long.length > 0) return;
	}
	throw new Error('It did not become steady');
}

async function untilQuiet(ask, since, leastMs = quietMs) {
	for (let attempt = 0; attempt < 400; attempt++) {
		await sleep(250);
		const {now} = await ask({});
		const found = await ask({since});
		// What is under way may still fail a second later.
		const last = Math.max(found.lastFailureAt ?? since, since + leastMs - quietMs);
		if (now - last > quietMs) return found;
	}
	throw new Error('New connections fail without end');
}

/** What to add to this machine's clock to have the host's; of the quickest of ten answers. */
async function clockDifference(ask) {
	let best = {roundMs: Number.POSITIVE_INFINITY, difference: 0};
	for (let i = 0; i < 10; i++) {
		const before = Date.now();
		const {now} = await ask({});
		const roundMs = Date.now() - before;
		if (roundMs < best.roundMs) best = {roundMs, difference: now - (before + roundMs / 2)};
	}
	return best.difference;
}

async function openClient(address) {
	for (let attempt = 0; ; attempt++) {
		const socket = connect(controlPort, address);
		try {
			await once(socket, 'connect');
			const lines = createInterface({input: socket})[Symbol.asyncIterator]();
			const ask = async question => {
				socket.write(`${JSON.stringify(question)}\n`);
				return JSON.parse((await lines.next()).value);
			};
			return Object.assign(ask, {close: () => socket.destroy()});
		} catch (error) {
			if (attempt > 60) throw error;
			await sleep(500);
		}
	}
}

/** The unit itself, as it is on every node. */
function startOurs({lab, address, members}) {
	const config = {
		members: members.map(name => `${address[name]}:${port}`),
		probe: {caFile: '/etc/sealimage/ca.crt'},
	};
	lab.onHost(node, 'cat > /etc/sealimage/lb.json', JSON.stringify(config));
	lab.onHost(node, `cat > ${unitFile} && systemctl daemon-reload && systemctl start sealimage-lb`, balancerUnit);
}

function startLvscare({lab, address, members}) {
	lab.onHost(node, '/opt/sealimage/bin/sealimage-agent lb remove');
	const list = members.map(name => `${address[name]}:${port}`).join(' ');
	enableUnit(lab, node, 'lvscare', `${onHostFolder}/node lvscare-policy.js ${list}`);
}
