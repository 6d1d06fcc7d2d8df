import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {allCases} from './buildah-compare/all-cases.js';
import {buildWithBuildah, buildWithSealimage, type Config, prepareCase} from './buildah-compare/build.js';
import type {BuildCase} from './buildah-compare/case.js';
import {compareConfigs} from './buildah-compare/compare-configs.js';
import {decisions} from './buildah-compare/decisions.js';
import {compareTrees, type Difference, readTree} from './disk-tree.js';
import {peerTest} from './peer-test.js';
import {buildahIn, type Peer, umociUnpack} from './peers.js';

const peers: readonly Peer[] = ['buildah', 'umoci', 'runc', 'busybox', 'tar', 'zstd'];
const seen = new Set<string>();
const done = new Set<string>();

for (const build of allCases) {
	peerTest(`buildah and sealimage agree: ${build.title}`, peers, async (t, scratch) => {
		const differences = await compareCase(build, scratch);
		done.add(build.title);
		checkAgainstDecisions(t, build.title, differences);
		if (build.refused) t.deepEqual(differences, [], 'Both refuse it');
	});
}

test.serial('every case has its own title, and decisions name cases that exist', t => {
	const titles = new Set(allCases.map(build => build.title));
	t.is(titles.size, allCases.length);
	for (const decision of decisions) {
		for (const title of decision.cases ?? []) t.true(titles.has(title), `${decision.name}: no case "${title}"`);
	}
});

test.serial('every decision that may show anywhere shows somewhere', t => {
	t.pass();
	if (done.size < allCases.length) return;
	for (const {name, cases} of decisions) {
		if (cases === undefined) t.true(seen.has(name), `"${name}" did not occur: remove it from decisions.ts`);
	}
});

function checkAgainstDecisions(t: ExecutionContext, title: string, differences: readonly Difference[]): void {
	const applying = decisions.filter(({cases}) => cases === undefined || cases.includes(title));
	const unlisted = differences.filter(difference => {
		const found = applying.filter(decision => decision.matches(difference));
		for (const {name} of found) seen.add(name);
		return found.length === 0;
	});
	t.deepEqual(unlisted, [], 'Differences that decisions.ts does not list');
	for (const {name, cases, matches} of applying) {
		if (cases !== undefined)
			t.true(differences.some(matches), `"${name}" did not occur here: remove it from decisions.ts`);
	}
}

/** Builds one case twice and compares what umoci unpacks of both. */
async function compareCase(build: BuildCase, scratch: string): Promise<readonly Difference[]> {
	const prepared = await prepareCase(build, scratch);
	try {
		const layouts = {theirs: join(scratch, 'theirs'), ours: join(scratch, 'ours')};
		const theirs = await outcomeOf(() =>
			buildWithBuildah(prepared, buildahIn(join(scratch, 'buildah')), layouts.theirs),
		);
		const ours = await outcomeOf(() => buildWithSealimage(prepared, layouts.ours));
		if (theirs.outcome !== ours.outcome || build.refused) {
			const expected = build.refused ? 'refused' : 'built';
			if (theirs.outcome === expected && ours.outcome === expected) return [];
			return [
				{
					where: 'outcome',
					field: [theirs.message, ours.message].join('\n'),
					theirs: theirs.outcome,
					ours: ours.outcome,
				},
			];
		}
		if (theirs.config === undefined || ours.config === undefined) {
			throw new Error(`Both refuse it:\n${theirs.message}\n${ours.message}`);
		}
		return [...(await compareLayouts(layouts)), ...compareConfigs(theirs.config, ours.config)];
	} finally {
		await prepared.close();
	}
}

interface Outcome {
	readonly outcome: 'built' | 'refused';
	readonly message: string;
	readonly config?: Config;
}

async function outcomeOf(work: () => Promise<Config>): Promise<Outcome> {
	try {
		return {outcome: 'built', message: '', config: await work()};
	} catch (error) {
		return {outcome: 'refused', message: (error as Error).message};
	}
}

async function compareLayouts(layouts: {
	readonly theirs: string;
	readonly ours: string;
}): Promise<readonly Difference[]> {
	const trees = {theirs: `${layouts.theirs}-tree`, ours: `${layouts.ours}-tree`};
	await umociUnpack(layouts.theirs, 'image', trees.theirs);
	await umociUnpack(layouts.ours, 'docker.io/library/case:1', trees.ours);
	return compareTrees(readTree(trees.theirs), readTree(trees.ours));
}
