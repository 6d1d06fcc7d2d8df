import {isSealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {TreeFile, TreeFiles} from '../../oci/tree/files.js';
import {type ChartFiles, type ChartPlace, findCharts, loadChart} from './chart-load.js';
import {chartName, parseValues, readChart} from './chart-values.js';
import type {Collector} from './collect.js';
import {type HelmCommand, renderChart} from './helm.js';
import type {ImageField} from './image-fields.js';
import {readManifest} from './manifest-text.js';
import type {FoundChart} from './types.js';

export interface ChartOptions extends OperationOptions {
	readonly helm?: (() => Promise<HelmCommand | undefined>) | undefined;
	readonly fields: readonly ImageField[];
}

/** Finds the images of every chart below `charts/`: rendered by helm when there is one, read otherwise. */
export async function discoverCharts(
	files: TreeFiles,
	collector: Collector,
	options: ChartOptions,
): Promise<readonly FoundChart[]> {
	const listing = await files.list('charts', options);
	const charts: FoundChart[] = [];
	for (const place of findCharts(listing)) {
		options.signal?.throwIfAborted();
		try {
			const chart = await loadChart(place, listing, files, options);
			const values = await valuesFiles(place, chart, listing, files, options);
			charts.push(await discoverChart(place, chart, values, collector, options));
		} catch (error) {
			if (!isSealError(error) || error.code === 'ERR_ABORTED') throw error;
			collector.warn({
				code: 'ChartUnreadable',
				message: `The chart ${place.path} cannot be read, its images are not embedded: ${error.message}`,
				file: place.path,
			});
		}
	}
	return charts;
}

async function discoverChart(
	place: ChartPlace,
	files: ChartFiles,
	values: readonly Uint8Array[],
	collector: Collector,
	options: ChartOptions,
): Promise<FoundChart> {
	const name = chartName(files) ?? place.baseName;
	const {path} = place;
	let reason = 'there is no helm here to render it';
	const helm = await options.helm?.();
	if (helm !== undefined) {
		try {
			const rendered = await renderChart(helm, path, files, values, options);
			readRendered(rendered, place, name, collector, options);
			return {name, path, read: 'helm'};
		} catch (error) {
			if (!isSealError(error) || error.code !== 'ERR_CHART') throw error;
			reason = error.message;
		}
	}
	const reportFor = (file: string): ReturnType<Collector['reportFor']> =>
		collector.reportFor(`${path}/${file}`, {quiet: true, detail: `chart ${name}`});
	await readChart({files, overrides: values.map(parseValues), fields: options.fields, reportFor}, options);
	collector.warn({
		code: 'ChartNotRendered',
		message: `The images of the chart ${path} were taken from its values and templates: ${reason}`,
		hint: 'Compare them with "helm template", and list what is missing in a file under images/shim.',
		file: path,
	});
	return {name, path, read: 'values'};
}

/** Helm writes `# Source: chart/templates/file.yaml` above each document. */
function readRendered(
	rendered: string,
	place: ChartPlace,
	name: string,
	collector: Collector,
	options: ChartOptions,
): void {
	for (const part of rendered.split(/^---\s*$/m)) {
		const source = /^# Source: [^/\s]+\/(\S+)/m.exec(part)?.[1];
		const file = source === undefined ? place.path : `${place.path}/${source}`;
		const report = collector.reportFor(file, {detail: `chart ${name}`});
		// Lines of the output are not lines of the template.
		const mention: typeof report.mention = found => report.mention({...found, line: undefined});
		readManifest(part, {template: false, data: {}, fields: options.fields}, {...report, mention});
	}
}

/** `charts/<name>.values.yaml`, the name being that of the folder or file, or of the chart. */
async function valuesFiles(
	place: ChartPlace,
	chart: ChartFiles,
	listing: readonly TreeFile[],
	files: TreeFiles,
	options: ChartOptions,
): Promise<readonly Uint8Array[]> {
	const names = new Set([place.baseName, chartName(chart) ?? place.baseName]);
	const wanted = [...names].flatMap(name => [`charts/${name}.values.yaml`, `charts/${name}.values.yml`]);
	const path = wanted.find(candidate => listing.some(file => file.path === candidate));
	if (path === undefined) return [];
	const contents: Uint8Array[] = [];
	for await (const {bytes} of files.read([path], options)) contents.push(bytes);
	return contents;
}
