import {mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
	appendJournal,
	forgetCluster,
	readMember,
	writeMember,
	writeStateCopy,
} from '../../../lib/runtime/state/host-journal.js';
import {formatEntries, type JournalEntry, maxJournalBytes, parseJournal} from '../../../lib/runtime/state/journal.js';
import {clusterPlaces} from '../../../lib/runtime/state/places.js';
import {digestNumber, exampleState} from '../../helpers/cluster-state.js';
import {tempDir} from '../../helpers/temp-dir.js';

const entry = (id: string, number: number): JournalEntry => ({id, key: digestNumber(number)});
const entries = fc.array(
	fc.record({
		id: fc.constantFrom('stage/a', 'prepare/a', 'join/a', 'x "y" \\'),
		key: fc.integer({min: 0, max: 99}).map(digestNumber),
	}),
	{minLength: 1, maxLength: 6},
);

test('whatever a power cut leaves of a journal, it holds what was noted before and after, and nothing else', async t => {
	const root = tempDir(t);
	const {folder, journal} = clusterPlaces(root);
	mkdirSync(folder);
	await fc.assert(
		fc.asyncProperty(
			entries,
			fc.nat(),
			fc.constantFrom('', '\0\0\0\0', '\0\n\0', '{"id":"join/a","key":"sha256:'),
			entries,
			async (before, cut, garbage, after) => {
				const written = formatEntries(before);
				const kept = cut % (written.length + 1);
				writeFileSync(journal, written.slice(0, kept) + garbage);
				// Whole lines were flushed one after the other; the last may lack its newline.
				const whole = before.filter((_, index) => formatEntries(before.slice(0, index + 1)).length - 1 <= kept);
				for (const one of after) await appendJournal(root, [one]);
				const found = parseJournal(readFileSync(journal, 'utf8'));
				const isCutAtNewline = kept > 0 && written[kept - 1] === '}' && garbage !== '';
				const expected = new Map((isCutAtNewline ? whole.slice(0, -1) : whole).map(({id, key}) => [id, key]));
				for (const {id, key} of after) expected.set(id, key);
				t.deepEqual(new Map(Object.entries(found)), expected);
			},
		),
		{numRuns: 300},
	);
});

test('a journal is for root alone, and so is the folder that it is in', async t => {
	const root = tempDir(t);
	await appendJournal(root, [entry('a', 1)]);
	const {folder, journal} = clusterPlaces(root);
	t.is(statSync(journal).mode & 0o777, 0o600);
	t.is(statSync(folder).mode & 0o777, 0o700);
});

test('entries that are noted at once are all there', async t => {
	const root = tempDir(t);
	const ids = Array.from({length: 40}, (_, index) => `action/${index}`);
	await Promise.all(ids.map((id, index) => appendJournal(root, [entry(id, index)])));
	t.deepEqual(Object.keys(parseJournal(readFileSync(clusterPlaces(root).journal, 'utf8'))).toSorted(), ids.toSorted());
});

test('a journal that has grown long is written anew, and stays readable', async t => {
	const root = tempDir(t);
	const {folder, journal} = clusterPlaces(root);
	mkdirSync(folder);
	const many = Array.from({length: 4000}, (_, index) => entry(`stage/${index % 10}`, index));
	writeFileSync(journal, formatEntries(many));
	t.true(statSync(journal).size > maxJournalBytes / 2);
	await appendJournal(root, [entry('join/a', 7)]);
	t.true(statSync(journal).size < 2000);
	const found = parseJournal(readFileSync(journal, 'utf8'));
	t.is(found['join/a'], digestNumber(7));
	t.is(found['stage/9'], digestNumber(3999));
});

const notOurs = test.macro({
	exec(t, line: string) {
		t.deepEqual(parseJournal(`${line}\n${formatEntries([entry('a', 1)])}`), {a: digestNumber(1)});
	},
	title: (title = '') => `a line of a journal counts for nothing when it ${title}`,
});
test('is no JSON', notOurs, 'stage done');
test('is no object', notOurs, '[1]');
test('has no key', notOurs, '{"id":"b"}');
test('has a key that is no digest', notOurs, '{"id":"b","key":"sha256:1"}');
test('has an id that moves a cursor', notOurs, `{"id":"b\\u001b[2J","key":"${digestNumber(2)}"}`);
test('has an id without an end', notOurs, `{"id":"${'b'.repeat(501)}","key":"${digestNumber(2)}"}`);

test('a journal that is longer than ours are is none', t => {
	t.deepEqual(parseJournal(formatEntries([entry('a', 1)]) + ' '.repeat(maxJournalBytes)), {});
});

test('an id that is a word of the language is an id like any other', t => {
	const found = parseJournal(formatEntries([entry('__proto__', 1), entry('constructor', 2)]));
	t.deepEqual(Object.entries(found), [
		['__proto__', digestNumber(1)],
		['constructor', digestNumber(2)],
	]);
});

test('a host is in one cluster, and leaves it with its journal only when that is said', async t => {
	const root = tempDir(t);
	const one = {cluster: 'one', id: '1111111111111111', role: 'node'} as const;
	const other = {cluster: 'two', id: '2222222222222222', role: 'master'} as const;
	t.is(await readMember(root), undefined);
	await writeMember(root, one, false);
	await appendJournal(root, [entry('join/a', 1)]);
	await writeMember(root, {...one, role: 'master'}, false);
	await t.throwsAsync(writeMember(root, other, false), {
		code: 'ERR_CLUSTER_MEMBER',
		message: /"one" \(1111111111111111\)/,
	});
	t.deepEqual(await readMember(root), {...one, role: 'master'});
	await writeMember(root, other, true);
	t.deepEqual(await readMember(root), other);
	t.throws(() => readFileSync(clusterPlaces(root).journal), {code: 'ENOENT'});
});

test('a host that is told to forget keeps nothing of its cluster', async t => {
	const root = tempDir(t);
	await writeMember(root, {cluster: 'one', id: '1111111111111111', role: 'node'}, false);
	await appendJournal(root, [entry('a', 1)]);
	await forgetCluster(root);
	await forgetCluster(root);
	t.is(await readMember(root), undefined);
	t.throws(() => statSync(join(root, 'cluster/journal.jsonl')), {code: 'ENOENT'});
});

test('a copy of the state gives way to a later one only', async t => {
	const root = tempDir(t);
	await writeStateCopy(root, exampleState({generation: 3}));
	t.is(statSync(clusterPlaces(root).state).mode & 0o777, 0o600);
	await t.throwsAsync(writeStateCopy(root, exampleState({generation: 3})), {
		code: 'ERR_CLUSTER_STATE',
		message: /generation 3/,
	});
	await t.throwsAsync(writeStateCopy(root, exampleState({generation: 2})), {code: 'ERR_CLUSTER_STATE'});
	await writeStateCopy(root, exampleState({generation: 4}));
	writeFileSync(clusterPlaces(root).state, '{"torn');
	await writeStateCopy(root, exampleState({generation: 1}));
	t.is((JSON.parse(readFileSync(clusterPlaces(root).state, 'utf8')) as {generation: number}).generation, 1);
});
