import {spawnSync} from 'node:child_process';
import {whyNoHosts} from './available.js';
import {bootHosts, cable, crash, describeHost, listHosts, removeHost, sshArguments} from './hosts.js';
import {buildImages} from './kubernetes/images.js';
import {binariesDir, builtVersion, partsDir, storeDir} from './kubernetes/place.js';
import {closeNetwork, insideNetwork, openNetwork} from './network.js';

const usage = `Real Linux hosts on this machine, each with its own kernel, disk, systemd and sshd, for trying sealimage on.

  npm run lab -- up NAME...            boot hosts (made on first use); prints name and addresses
  npm run lab -- ssh NAME [COMMAND]    a shell or a command on a host, as root
  npm run lab -- exec COMMAND...       run a command here, in the network where the hosts can be reached
  npm run lab -- cut NAME...           pull the network cable out;  mend NAME... puts it back
  npm run lab -- crash NAME...         a power cut;  up NAME... boots it again with its disk
  npm run lab -- rm NAME...            a power cut, and the disk is gone
  npm run lab -- hosts                 which hosts there are
  npm run lab -- down                  everything off and gone
  npm run lab -- kubernetes [VERSION]  build Kubernetes (v1.20.2) and the images of a cluster; prints where they are

Users: root (password sealimage, or the key that "up" names) and ops (password sealimage, sudo asks for it).
Needs root, Debian 12 or newer, x86-64, and the tools that .ci/install installs.`;

const [verb, ...names] = process.argv.slice(2);
process.exitCode = await main();

async function main(): Promise<number> {
	switch (verb) {
		case 'up': {
			const why = whyNoHosts();
			if (why !== undefined) return fail(why);
			const hosts = await bootHosts(names, {memoryMiB: Number(process.env.LAB_MEMORY_MIB ?? 640)});
			for (const host of hosts) console.log(`${host.name} ${host.address} ${host.address6} ${host.keyFile}`);
			return 0;
		}
		case 'ssh':
			return run(insideNetwork(sshArguments(names[0] ?? '', names.slice(1).join(' ') || undefined)));
		case 'exec': {
			// Without hosts the command runs all the same: tests that want hosts say so themselves.
			if (whyNoHosts() !== undefined) return run([names[0] ?? '', names.slice(1)]);
			openNetwork();
			return run(insideNetwork(names));
		}
		case 'cut':
			for (const name of names) cable(name, 'out');
			return 0;
		case 'mend':
			for (const name of names) cable(name, 'in');
			return 0;
		case 'crash':
			for (const name of names) crash(name);
			return 0;
		case 'rm':
			for (const name of names) removeHost(name);
			return 0;
		case 'hosts':
			for (const host of listHosts()) console.log(`${host.name} ${host.address} ${host.running ? 'up' : 'off'}`);
			return 0;
		case 'kubernetes': {
			const version = names[0] ?? builtVersion;
			const images = buildImages(version);
			console.log(`programs: ${binariesDir(version)}\nparts: ${partsDir}\nimages in --root ${storeDir}:`);
			for (const image of images) console.log(`  ${image}`);
			return 0;
		}
		case 'down':
			for (const host of listHosts()) removeHost(describeHost(host.name).name);
			closeNetwork();
			return 0;
		default:
			console.error(usage);
			return 2;
	}
}

function run([command, args]: readonly [string, readonly string[]]): number {
	return spawnSync(command, args, {stdio: 'inherit'}).status ?? 1;
}

function fail(why: string): number {
	console.error(`lab: ${why}`);
	return 1;
}
