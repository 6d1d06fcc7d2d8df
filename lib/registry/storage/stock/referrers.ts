import {readdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {withIo} from '../../../core/io-error.js';
import {mapBounded} from '../../../core/pool.js';
import {type Descriptor, parseDescriptor} from '../../../oci/descriptor.js';
import {type Digest, isDigest, parseDigest} from '../../../oci/digest.js';
import {parseManifest} from '../../../oci/manifest.js';
import {isIndexType} from '../../../oci/media-types.js';
import {type Referrer, referrerOf, referrersTag} from '../referrer.js';
import {isAbsent, readRegular} from './files.js';
import type {StockFolder} from './folder.js';
import {createLru} from './lru.js';
import type {Manifests} from './manifests.js';
import {revisionsFolder} from './paths.js';
import type {Tags} from './tags.js';
import type {Writer} from './writer.js';

/**
 * Which manifests of a repository are attached to which. The stock layout has no place for it, and the stock server and
 * older clients do not know of it: it is found out from the manifests themselves and kept beside, where it may be deleted.
 */
export interface Referrers {
	list(repository: string, subject: Digest): Promise<readonly Descriptor[]>;
	/** Writes down what was found out, so that the next process need not. */
	close(): Promise<void>;
}

export function createReferrers(folder: StockFolder, manifests: Manifests, tags: Tags, writer: Writer): Referrers {
	const known = createLru<string, Remembered>(maxRemembered, ({size}) => size + 100);
	const unsaved = new Map<string, Survey>();

	const save = async (repository: string): Promise<void> => {
		const survey = unsaved.get(repository);
		unsaved.delete(repository);
		if (survey !== undefined)
			await writer.write(surveyPath(folder, repository), formatSurvey(survey)).catch(() => undefined);
	};
	/** The state of the folders is taken before they are listed: what comes in between is looked at again. */
	const refresh = async (repository: string, survey: Survey): Promise<Survey> => {
		const state = await stateOf(folder, repository);
		if (state.text !== survey.state || !survey.settled) {
			for (const digest of await revisionsIn(folder, repository)) {
				if (!survey.seen.has(digest) && !survey.open.has(digest)) survey.open.set(digest, 0);
			}
			survey.state = state.text;
			survey.settled = state.settled;
		}
		const found = await mapBounded(dueNow(survey), 8, async digest => {
			const manifest = await manifests.content(digest).catch(() => undefined);
			survey.open.set(digest, (survey.open.get(digest) ?? 0) + 1);
			if (manifest === undefined) return 0;
			survey.seen.set(digest, referrerOf(manifest));
			survey.open.delete(digest);
			return 1;
		});
		const fresh = found.filter(Boolean).length;
		if (fresh > 0) unsaved.set(repository, survey);
		if (fresh > savedAtOnce) await save(repository);
		else if (unsaved.size > maxUnsaved) await save([...unsaved.keys()][0] ?? repository);
		return survey;
	};
	const surveyOf = async (repository: string): Promise<Survey> => {
		const before = known.get(repository);
		const last = before?.survey ?? readSurvey(folder, repository);
		const next = {survey: last.catch(emptySurvey).then(survey => refresh(repository, survey)), size: before?.size ?? 0};
		known.set(repository, next);
		const survey = await next.survey;
		if (known.get(repository) === next) known.set(repository, {...next, size: survey.seen.size});
		return survey;
	};
	const attached = async (repository: string, subject: Digest): Promise<readonly Descriptor[]> => {
		const {seen} = await surveyOf(repository);
		return [...seen.values()].flatMap(entry => (entry?.subject === subject ? [entry.descriptor] : []));
	};
	return {
		async list(repository, subject) {
			const [own, others] = await Promise.all([
				attached(repository, subject),
				listedByTag(tags, manifests, repository, subject).catch(() => []),
			]);
			const byDigest = new Map([...others, ...own].map(descriptor => [descriptor.digest, descriptor]));
			const all = [...byDigest.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
			const there = await mapBounded(all, 8, ({digest}) => manifests.has(repository, digest).catch(() => false));
			return all.filter((_, i) => there[i]);
		},
		async close() {
			for (const repository of [...unsaved.keys()]) await save(repository);
		},
	};
}

/** What clients of registries without this list keep in an index under a tag. */
async function listedByTag(
	tags: Tags,
	manifests: Manifests,
	repository: string,
	subject: Digest,
): Promise<readonly Descriptor[]> {
	const target = await tags.read(repository, referrersTag(subject));
	const index = target === undefined ? undefined : await manifests.read(repository, target);
	if (index === undefined || !isIndexType(index.mediaType)) return [];
	const document = parseManifest(index.bytes, index.mediaType, index.digest);
	return 'manifests' in document ? document.manifests : [];
}

/** What is known of the manifests of a repository. What a manifest says never changes; whether it is still there is asked each time. */
interface Survey {
	/** The times of the folders of revisions when they were listed: each new revision changes one of them, whoever wrote it. */
	state: string;
	/** False when a folder was listed so soon after its last change that another one could have the same time. */
	settled: boolean;
	readonly seen: Map<Digest, Referrer | undefined>;
	/** Listed, but not to be read so far, and how often that was tried. */
	readonly open: Map<Digest, number>;
	/** When all of those were tried. */
	triedAt: number;
}

interface Remembered {
	readonly survey: Promise<Survey>;
	/** Manifests seen. */
	readonly size: number;
}

function emptySurvey(): Survey {
	return {state: '', settled: false, seen: new Map(), open: new Map(), triedAt: 0};
}

/**
 * The stock server leaves the folders of what it deletes, by the thousand: what was missing several times is tried again
 * every few seconds only.
 */
function dueNow(survey: Survey): readonly Digest[] {
	const isTime = performance.now() - survey.triedAt > retryMs;
	if (isTime) survey.triedAt = performance.now();
	return [...survey.open].flatMap(([digest, tries]) => (isTime || tries < maxTries ? [digest] : []));
}

const racyMs = 50;
const maxTries = 5;
const retryMs = 5000;
/** Reading so many manifests again is worth a file; fewer are saved at the end. */
const savedAtOnce = 64;
const maxUnsaved = 32;
/** Manifests of all repositories; what is not remembered is read from its file. */
const maxRemembered = 100_000;
const maxSurveyBytes = 64 * 1024 * 1024;
const algorithms = ['sha256', 'sha512'] as const;

function surveyPath(folder: StockFolder, repository: string): string {
	return join(folder.privateDir, 'referrers', repository, '_referrers.json');
}

async function stateOf(folder: StockFolder, repository: string): Promise<{text: string; settled: boolean}> {
	const base = join(folder.base, revisionsFolder(repository));
	const found = await Promise.all(algorithms.map(name => stat(join(base, name)).catch(() => undefined)));
	const text = found.map(facts => (facts === undefined ? '-' : `${facts.ino}:${facts.mtimeMs}`)).join(' ');
	return {text, settled: found.every(facts => facts === undefined || Date.now() - facts.mtimeMs > racyMs)};
}

async function revisionsIn(folder: StockFolder, repository: string): Promise<readonly Digest[]> {
	const base = join(folder.base, revisionsFolder(repository));
	const lists = await Promise.all(
		algorithms.map(name =>
			withIo('list', join(base, name), async () => {
				try {
					return (await readdir(join(base, name))).map(hex => `${name}:${hex}`);
				} catch (error) {
					if (isAbsent(error)) return [];
					throw error;
				}
			}),
		),
	);
	return lists.flat().filter(isDigest);
}

function formatSurvey({state, settled, seen, open}: Survey): string {
	const plain = [...seen].flatMap(([digest, referrer]) => (referrer === undefined ? [digest] : []));
	const referrers = [...seen.values()].filter(referrer => referrer !== undefined);
	return JSON.stringify({version: 1, state: settled && open.size === 0 ? state : '', plain, referrers});
}

/** Derived data: whatever cannot be read is found out again. */
async function readSurvey(folder: StockFolder, repository: string): Promise<Survey> {
	const found = await readRegular(surveyPath(folder, repository), maxSurveyBytes);
	if (found === undefined) return emptySurvey();
	const {version, state, plain, referrers} = JSON.parse(found.bytes.toString()) as Saved;
	if (version !== 1) return emptySurvey();
	const seen = new Map<Digest, Referrer | undefined>(plain.filter(isDigest).map(digest => [digest, undefined]));
	for (const {subject, descriptor} of referrers) {
		parseDescriptor(descriptor, 'referrers');
		seen.set(descriptor.digest, {subject: parseDigest(subject), descriptor});
	}
	return {state, settled: state !== '', seen, open: new Map(), triedAt: 0};
}

interface Saved {
	readonly version: number;
	readonly state: string;
	readonly plain: readonly Digest[];
	readonly referrers: readonly Referrer[];
}
