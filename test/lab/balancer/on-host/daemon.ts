import {readConfig} from '../../../../lib/lb/config.js';
import {runDaemon} from '../../../../lib/lb/daemon.js';
import {openNotify, watchdogMs} from '../../../../lib/lb/notify.js';
import {prepareNode} from '../../../../lib/lb/surroundings/prepare.js';
import {type Form, openTable} from '../../../../lib/lb/table.js';

/** The balancer of a node as the agent runs it, but that its events are lines of JSON with the time of each, and its files are where the scene wants them. */
const [, , verb, folder, form] = process.argv as [string, string, string, string, Form];
const end = new AbortController();
process.on('SIGTERM', () => end.abort());
const prepare: typeof prepareNode = (spec, options) =>
	prepareNode(spec, {...options, form, stateFile: `${folder}/surroundings.json`});
if (verb === 'prepare') await prepare((await readConfig(`${folder}/lb.json`)).spec);
else
	await runDaemon(`${folder}/lb.json`, {
		learntFile: `${folder}/members.json`,
		node: {prepare, openTable},
		signal: end.signal,
		notify: await openNotify(process.env.NOTIFY_SOCKET),
		watchdogMs: watchdogMs(process.env.WATCHDOG_USEC),
		onEvent: event => process.stdout.write(`${JSON.stringify({...event, at: Date.now()})}\n`),
	});
