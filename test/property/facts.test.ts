import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../lib/core/errors.js';
import type {HostFacts} from '../../lib/runtime/facts/facts.js';
import {readFacts} from '../../lib/runtime/facts/read.js';
import {defaultWanted} from '../../lib/runtime/facts/wanted.js';
import {preflight} from '../../lib/runtime/preflight/preflight.js';

const folder = 'test/fixtures/facts';
const recorded = readdirSync(folder).map(name => readFileSync(`${folder}/${name}`, 'latin1').split('\n'));
const asked = {sentMs: 1_700_000_000_000, receivedMs: 1_700_000_000_200};

/** What makes parsers stumble, and what steers terminals. */
const shard = fc.oneof(
	fc.string({unit: 'binary', maxLength: 20}),
	fc.constantFrom(
		'\u001b[2J',
		'\u202e',
		'\0',
		'\r',
		' ',
		':',
		'/',
		'__proto__',
		'NaN',
		'-1',
		'9'.repeat(30),
		'x'.repeat(9000),
	),
);

/** A true answer with lines broken, doubled, cut and put elsewhere. */
const broken = fc.constantFrom(...recorded).chain(lines =>
	fc
		.array(
			fc.tuple(fc.nat(lines.length - 1), fc.nat(200), shard, fc.constantFrom('insert', 'cut', 'replace', 'double')),
			{
				maxLength: 40,
			},
		)
		.map(edits => {
			const text = [...lines];
			for (const [line, column, piece, what] of edits) {
				const old = text[line] ?? '';
				if (what === 'insert') text[line] = old.slice(0, column) + piece + old.slice(column);
				if (what === 'cut') text[line] = old.slice(0, column);
				if (what === 'replace') text[line] = old.slice(0, old.search(/[: ]/) + 1) + piece;
				if (what === 'double') text.splice(line, 0, ...Array<string>(50).fill(old));
			}
			return [...text, 'end', ''].join('\n');
		}),
);

function facts(output: Uint8Array): HostFacts | undefined {
	try {
		return readFacts('h', output, defaultWanted, asked);
	} catch (error) {
		if (isSealError(error) && error.code === 'ERR_FACTS') return undefined;
		throw error;
	}
}

test('any bytes are facts or refused', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 2000}), bytes => {
			facts(bytes);
		}),
	);
	t.pass();
});

test('facts of a host that lies are JSON without a character that steers a terminal, and can be judged', t => {
	fc.assert(
		fc.property(broken, text => {
			const found = facts(Buffer.from(text));
			if (found === undefined) return true;
			const findings = preflight([found, {...found, host: 'other'}], {
				roles: {h: ['master'], other: ['node']},
				networks: {pods: ['10.0.0.0/8'], services: ['fd00::/108'], virtual: ['10.103.97.2/32']},
				platforms: ['linux/amd64'],
			});
			const json = JSON.stringify([found, findings]);
			t.deepEqual(JSON.parse(JSON.stringify(found)), found);
			return !/\\u00[01]|\\[rnt]|[\x7f-\x9f\u202a-\u202e]/.test(json) && json.length < 1_000_000;
		}),
		{numRuns: 300},
	);
});
