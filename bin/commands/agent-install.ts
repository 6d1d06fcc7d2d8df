import type {SealEvent} from '../../lib/core/events.js';
import {openBundle} from '../../lib/runtime/agent/bundle/bundle.js';
import type {Installed} from '../../lib/runtime/agent/install/install.js';
import {installAgents} from '../../lib/runtime/agent/install-agents.js';
import {agentFlags} from '../agent-flags.js';
import {agentSource} from '../agent-source.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderTable} from '../render/table.js';
import {formatBytes} from '../render/units.js';
import {sharedBy} from '../shared-by.js';

export const command = defineCommand({
	description: `Puts the agent of this sealimage on hosts, into /opt/sealimage, or mends the one that is there. Only what a host lacks is sent, and verified there; the new version is started once before it counts, and switched to with one rename. The version before is kept. Hosts with curl, wget or bash take the large part from hosts that have it, so that two copies leave this machine. Run again after a cut, it goes on where it stood. Hosts need glibc 2.28 and libstdc++. Commands that need the agent install it by themselves. ${hostHelp}`,
	operands: hostOperands,
	flags: {
		...hostLoginFlags,
		...agentFlags,
		relay: {type: 'boolean', default: true, help: 'let hosts that have the agent pass it on to others'},
	},
	examples: [
		{about: 'Some hosts', line: 'sealimage agent install root@10.0.0.5-10.0.0.9'},
		{about: 'From a folder, without a network', line: 'sealimage agent install --agent-dir /media/usb/agent 10.0.0.5'},
	],
	async run({operands, flags}, context) {
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const source = agentSource(flags, context);
		const bundle = sharedBy((platform: string) => openBundle(platform, source));
		// Of many hosts only their number is shown.
		const onEvent = (event: SealEvent): void => {
			if (hosts.length <= maxShown || !/^(?:blob|step)\./.test(event.type)) context.onEvent(event);
		};
		const startedMs = performance.now();
		const {cacheDir} = source;
		const outcomes = await installAgents(hosts, open, {
			...options,
			title: 'agent install',
			bundle,
			cacheDir,
			hostToHost: flags.relay,
			onEvent,
		});
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		const installed = outcomes.flatMap(outcome => (outcome.ok ? [{host: outcome.host, ...outcome.value}] : []));
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, value => ({...value}))),
			text: () =>
				installed.length === 0
					? ''
					: renderTable(
							[
								{title: 'HOST'},
								{title: 'PLATFORM'},
								{title: 'AGENT'},
								{title: 'CHANGE'},
								{title: 'SENT', align: 'right'},
							],
							installed.map(one => [one.host, one.platform, one.id, changeOf(one), formatBytes(one.sentBytes)]),
							context.style,
						),
			exitCode,
		};
	},
});

const maxShown = 32;

function changeOf({changed, previous}: Installed): string {
	if (!changed) return 'none';
	return previous === undefined ? 'installed' : `was ${previous}`;
}
