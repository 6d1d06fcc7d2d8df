/**
 * Which files of an image are templates, and the paths of what they become. `.tmpl` and `.tpl` below etc/, scripts/ and
 * manifests/, and beside the charts in charts/: what is in a chart is for helm.
 * @param paths of all files of the image, relative to it
 */
export function templatesAmong(paths: Iterable<string>): ReadonlyMap<string, string> {
	const all = [...paths];
	const charts = all.filter(path => path.endsWith('/Chart.yaml')).map(path => path.slice(0, -'Chart.yaml'.length));
	const found = new Map<string, string>();
	for (const path of all) {
		const target = /^((?:(?:etc|scripts|manifests)\/(?:[^/]+\/)*|charts\/)[^/_][^/]*)\.(?:tmpl|tpl)$/.exec(path)?.[1];
		if (target !== undefined && !charts.some(chart => path.startsWith(chart))) found.set(path, target);
	}
	return found;
}
