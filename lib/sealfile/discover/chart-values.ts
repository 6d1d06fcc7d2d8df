import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {parseYaml, yamlNodeOf} from '../../core/yaml.js';
import {type ChartFiles, unpackChart} from './chart-load.js';
import type {ImageField} from './image-fields.js';
import {type ImageMention, walkImages} from './image-walk.js';
import {type ManifestReport, readManifest} from './manifest-text.js';
import {resolveTemplate} from './template.js';
import type {TemplateData} from './template-expression.js';

type Values = Readonly<Record<string, unknown>>;

/** A chart as its author and the image's author configured it. */
export interface ReadChart {
	readonly files: ChartFiles;
	/** Values on top of the chart's own: parent charts, `charts/<name>.values.yaml`. */
	readonly overrides: readonly Values[];
	readonly fields: readonly ImageField[];
	/** A reporter for the file at this path below the chart. */
	readonly reportFor: (path: string) => ManifestReport;
}

/** Charts in charts are read this deep. */
const maxNesting = 4;

/**
 * Reads the images of a chart without rendering it: references in its values (whole or split, the tag being the
 * chart's appVersion where none is given) and in its templates as far as look-ups resolve. Finds more than a rendering would, since
 * conditions are not decided; misses what templates compute.
 */
export async function readChart(chart: ReadChart, options: Abortable, nesting = 0): Promise<void> {
	const metadata = asValues(parseFirst(text(chart.files, 'Chart.yaml') ?? text(chart.files, 'Chart.yml')));
	const appVersion = metadata.appVersion === undefined ? undefined : String(metadata.appVersion);
	const own = asValues(parseFirst(text(chart.files, 'values.yaml')));
	const budget = {left: 100_000};
	const values = chart.overrides.reduce((base, override) => mergeValues(base, override, budget), own);
	const data: TemplateData = {
		Values: values,
		Chart: chartData(metadata),
		Release: {Name: 'dryrun', Namespace: 'default', Service: 'Helm', IsInstall: true, IsUpgrade: false, Revision: 1},
	};
	const shared = {data, fields: chart.fields, defaultTag: appVersion};
	walkImages(yamlNodeOf(values), shared, reportValues(chart.reportFor('values.yaml'), data));
	for (const [path, bytes] of chart.files) {
		if (/^templates\/.+\.(?:ya?ml|json|tpl)$/.test(path))
			readManifest(decode(bytes), {...shared, template: true}, chart.reportFor(path));
	}
	if (nesting >= maxNesting) return;
	for (const [name, prefix, files] of await subcharts(chart.files, options)) {
		const below = [asValues(values[name])];
		if (values.global !== undefined) below.push({global: values.global});
		const reportFor = (path: string): ManifestReport => chart.reportFor(`${prefix}/${path}`);
		await readChart({...chart, files, overrides: below, reportFor}, options, nesting + 1);
	}
}

/** A mapping from a YAML text; anything else is an empty one. */
export function parseValues(bytes: Uint8Array): Values {
	return asValues(parseFirst(decode(bytes)));
}

/** Name of the chart in its Chart.yaml. */
export function chartName(files: ChartFiles): string | undefined {
	const name = asValues(parseFirst(text(files, 'Chart.yaml') ?? text(files, 'Chart.yml'))).name;
	return typeof name === 'string' ? name : undefined;
}

async function subcharts(files: ChartFiles, options: Abortable): Promise<Array<[string, string, ChartFiles]>> {
	const folders = new Map<string, Map<string, Uint8Array>>();
	const result: Array<[string, string, ChartFiles]> = [];
	for (const [path, bytes] of files) {
		const [, folder, rest] = /^charts\/([^/]+)\/(.+)$/.exec(path) ?? [];
		if (folder !== undefined && rest !== undefined) {
			const own = folders.get(folder) ?? new Map<string, Uint8Array>();
			folders.set(folder, own.set(rest, bytes));
		} else if (/^charts\/[^/]+\.tgz$/.test(path)) {
			const packed = await unpackChart(bytes, path, options).catch(ignoreDamage);
			if (packed !== undefined) result.push([chartName(packed) ?? path, path, packed]);
		}
	}
	for (const [folder, own] of folders) result.push([chartName(own) ?? folder, `charts/${folder}`, own]);
	return result;
}

function ignoreDamage(error: unknown): undefined {
	if (!isSealError(error) || error.code === 'ERR_ABORTED') throw error;
	return undefined;
}

/** Values are parsed before they are searched, so that overrides count; their lines are lost on the way. */
function reportValues(report: ManifestReport, data: TemplateData): (mention: ImageMention) => void {
	return mention => {
		const resolved = mention.text.includes('{{') ? resolveTemplate(mention.text, data) : mention.text;
		if (resolved !== undefined) report.mention({...mention, text: resolved, line: undefined});
	};
}

/**
 * Helm's rule: mappings are merged, everything else is replaced, null removes. Aliases can make small texts into endless
 * mappings, so only so many keys are merged.
 */
function mergeValues(base: Values, override: Values, budget: {left: number}): Values {
	const result: Record<string, unknown> = Object.assign(Object.create(null) as object, base);
	for (const [key, value] of Object.entries(override)) {
		if (budget.left-- <= 0) return result;
		const before = result[key];
		if (value === null) delete result[key];
		else result[key] = isMapping(value) && isMapping(before) ? mergeValues(before, value, budget) : value;
	}
	return result;
}

function chartData(metadata: Values): Values {
	const capitals = Object.entries(metadata).map(([key, value]) => [
		`${key.charAt(0).toUpperCase()}${key.slice(1)}`,
		value,
	]);
	return Object.fromEntries(capitals) as Values;
}

function parseFirst(source: string | undefined): unknown {
	if (source === undefined) return undefined;
	try {
		return parseYaml(source)[0];
	} catch (error) {
		if (isSealError(error)) return undefined;
		throw error;
	}
}

function asValues(value: unknown): Values {
	return isMapping(value) ? value : {};
}

function isMapping(value: unknown): value is Values {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(files: ChartFiles, path: string): string | undefined {
	const bytes = files.get(path);
	return bytes === undefined ? undefined : decode(bytes);
}

function decode(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
		.toString('utf8')
		.replace(/^\uFEFF/, '');
}
