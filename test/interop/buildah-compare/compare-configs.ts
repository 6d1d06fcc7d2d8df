import type {Difference} from '../disk-tree.js';
import type {Config} from './build.js';

/**
 * What of a config runs a container, and what names its author and machine. Left out: history (each tool writes its own
 * words), `created`, and the diff IDs, which differ with every difference that the trees show better.
 */
const outside = ['architecture', 'variant', 'os', 'author'] as const;

/** Fields of an image; docker's form has more, which belong to containers (Hostname, Tty). */
const inside = [
	...['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Healthcheck', 'Volumes', 'WorkingDir', 'Labels'],
	...['StopSignal', 'OnBuild', 'Shell'],
] as const;

/** Everything in which two configs differ. Absent, null and empty are one and the same, as for every runtime. */
export function compareConfigs(theirs: Config, ours: Config): Difference[] {
	const pick = (config: Config): Map<string, string | undefined> =>
		new Map([
			...outside.map(key => [key, meaningOf(config[key])] as const),
			...inside.flatMap(key => spread(key, (config.config as Config | undefined)?.[key])),
		]);
	const a = pick(theirs);
	const b = pick(ours);
	return [...new Set([...a.keys(), ...b.keys()])]
		.filter(key => a.get(key) !== b.get(key))
		.toSorted()
		.map(key => ({where: `config.${key}`, field: 'value', theirs: a.get(key), ours: b.get(key)}));
}

/** Maps are compared by key, so that one label more is one difference; of the environment, PATH is apart. */
function spread(key: string, value: unknown): readonly (readonly [string, string | undefined])[] {
	if (key === 'Env' && Array.isArray(value)) {
		const [paths, others] = [value.filter(isPath), value.filter(item => !isPath(item))];
		return [
			['Env', meaningOf(others)],
			['Env.PATH', meaningOf(paths)],
		];
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[key, meaningOf(value)]];
	return Object.entries(value).map(([name, item]) => [`${key}.${name}`, JSON.stringify(item)] as const);
}

const isPath = (item: unknown): boolean => String(item).startsWith('PATH=');

function meaningOf(value: unknown): string | undefined {
	if (value === undefined || value === null || value === '') return undefined;
	if (Array.isArray(value) && value.length === 0) return undefined;
	return JSON.stringify(value);
}
