import {appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {appendJournal, writeMember, writeStateCopy} from '../../../lib/runtime/state/host-journal.js';
import {readRecord, recordDigest} from '../../../lib/runtime/state/host-record.js';
import {maxJournalBytes} from '../../../lib/runtime/state/journal.js';
import {observeHost} from '../../../lib/runtime/state/observe.js';
import {clusterPlaces} from '../../../lib/runtime/state/places.js';
import {clusterHosts, hostRoot} from '../../helpers/cluster-hosts.js';
import {digestNumber, exampleId, exampleState} from '../../helpers/cluster-state.js';
import {localTarget} from '../../helpers/local-agents.js';
import {tempDir} from '../../helpers/temp-dir.js';

const cases: Readonly<Record<string, (root: string) => Promise<void>>> = {
	'a host on which there is nothing': async () => undefined,
	'a host that is in a cluster': async root => {
		await writeMember(root, {cluster: 'prod', id: exampleId, role: 'master'}, false);
		await appendJournal(root, [{id: 'prepare/m1', key: digestNumber(1)}]);
		await writeStateCopy(root, exampleState());
	},
	'a torn journal and a damaged state': async root => {
		await appendJournal(root, [{id: 'prepare/m1', key: digestNumber(1)}]);
		appendFileSync(clusterPlaces(root).journal, '{"id":"init/');
		writeFileSync(clusterPlaces(root).state, '{"schema":1}');
	},
	'a journal that is none of ours': async root => {
		await appendJournal(root, [{id: 'prepare/m1', key: digestNumber(1)}]);
		truncateSync(clusterPlaces(root).journal, maxJournalBytes + 1);
	},
	'a link where the state would be': async root => {
		mkdirSync(clusterPlaces(root).folder, {recursive: true});
		symlinkSync('/etc/hostname', clusterPlaces(root).state);
	},
};

for (const [what, make] of Object.entries(cases)) {
	test(`the lock and a look say the same of ${what}`, async t => {
		const dir = tempDir(t);
		const root = hostRoot(dir, 'm1');
		await make(root);
		const seen = await observeHost(clusterHosts(dir)(localTarget('m1')), {root});
		t.is(await readRecord(root), recordDigest(seen));
	});
}

test('whatever is done on a host changes its record', async t => {
	const root = tempDir(t);
	const records = [await readRecord(root)];
	await appendJournal(root, [{id: 'prepare/m1', key: digestNumber(1)}]);
	records.push(await readRecord(root));
	await writeMember(root, {cluster: 'prod', id: exampleId, role: 'node'}, false);
	records.push(await readRecord(root));
	await writeStateCopy(root, exampleState());
	records.push(await readRecord(root));
	await writeStateCopy(root, exampleState({generation: 4}));
	records.push(await readRecord(root));
	t.is(new Set(records).size, 5);
});
