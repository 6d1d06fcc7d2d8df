import test from 'ava';
import {renderDistributed, renderPreview} from '../../../bin/render/distributed.js';
import {createStyle} from '../../../bin/render/style.js';
import type {HostDistributed} from '../../../lib/runtime/distribute/distribute.js';

const style = createStyle(false);

function got(host: string, movedBytes: number): {host: string; ok: true; elapsedMs: number; value: HostDistributed} {
	const value: HostDistributed = {
		platform: 'linux/amd64',
		neededBytes: 1e9,
		movedBytes,
		fetchedBytes: movedBytes / 2,
		sentBytes: movedBytes / 2,
		images: [],
	};
	return {host, ok: true, elapsedMs: 1, value};
}

test('what each host got has a line, and what left this machine a sentence', t => {
	const text = renderDistributed({outcomes: [got('a', 1e9), got('b', 5e8)], sentBytes: 7.5e8, elapsedMs: 1}, style);
	t.is(
		text,
		[
			'HOST   PLATFORM      NEEDS    MOVED   FROM HOSTS   FROM HERE   UNPACKED',
			'a      linux/amd64    1 GB     1 GB       500 MB      500 MB   0 layers',
			'b      linux/amd64    1 GB   500 MB       250 MB      250 MB   0 layers',
			'Moved 1.5 GB to 2 hosts; 750 MB left this machine',
		].join('\n'),
	);
});

test('of many hosts only the sum is told', t => {
	const outcomes = Array.from({length: 100}, (_, number) => got(`h${number}`, 1e6));
	t.is(
		renderDistributed({outcomes, sentBytes: 1e6, elapsedMs: 1}, style),
		'Moved 100 MB to 100 hosts; 1 MB left this machine',
	);
	t.regex(
		renderDistributed({outcomes: [got('a', 0)], sentBytes: 0, elapsedMs: 1}, style),
		/Nothing to move: 1 host had/,
	);
});

test('a preview says what is missing, and where that cannot be known', t => {
	const seen = (host: string, value: object): never =>
		({
			host,
			ok: true,
			elapsedMs: 1,
			value: {neededBytes: 0, missingBytes: 0, missingBlobs: 0, lacksAgent: false, ...value},
		}) as never;
	const text = renderPreview(
		{
			outcomes: [
				seen('a', {platform: 'linux/amd64', neededBytes: 1e9, missingBytes: 2e8, missingBlobs: 2}),
				seen('b', {lacksAgent: true}),
			],
			sentBytes: 1e8,
		},
		style,
	);
	t.regex(text, /^a +linux\/amd64 +1 GB +200 MB +2$/m);
	t.regex(text, /^b +everything, and the agent$/m);
	t.regex(text, /200 MB would move, and everything to 1 host without an agent; no host has 100 MB of it$/);
	t.regex(renderPreview({outcomes: [seen('a', {})], sentBytes: 0}, style), /Nothing would move$/);
});
