import {type ConfigDocument, configStrategies} from '../../cluster/config-document.js';
import {type Staged, type StageRequest, stage as stageCopy} from '../../rootfs/stage.js';
import {type Fields, fieldsOf, listIn, textIn, wrongParam} from '../params.js';
import type {AgentVerb} from '../protocol.js';

const maxImages = 1000;
const maxConfigs = 10_000;

/** Makes a working copy of images on this host. */
export const stage: AgentVerb<StageRequest, Staged> = {
	name: 'stage',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		return {
			place: placeIn(fields),
			trees: listIn(fields, 'trees', maxImages, tree => textIn({tree}, 'tree', 4096)),
			configs: listIn(fields, 'configs', maxConfigs, parseConfig),
			env: parseEnv(fields.env),
		};
	},
	run: (request, {root, signal}) => stageCopy(request, root, {signal}),
};

/** It becomes a path on the host. */
function placeIn(fields: Fields): string {
	const place = textIn(fields, 'place', 500);
	const isPlain = /^(?:rootfs|application\/[\w][\w.:/@+-]*)$/.test(place) && !place.split('/').includes('..');
	if (isPlain) return place;
	throw wrongParam('place', 'the place of a working copy');
}

function parseConfig(value: unknown): ConfigDocument {
	const fields = fieldsOf(value, 'configs');
	const {name, match, strategy, data} = fields;
	const known = configStrategies.find(candidate => candidate === strategy);
	if (known === undefined || typeof data !== 'string' || typeof name !== 'string' || typeof match !== 'string')
		throw wrongParam('configs', 'a Config');
	return {name, match, path: textIn(fields, 'path', 4096), strategy: known, data};
}

function parseEnv(value: unknown): Readonly<Record<string, string>> {
	const entries = Object.entries(fieldsOf(value, 'env'));
	const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
	if (entries.every(isText)) return Object.fromEntries(entries);
	throw wrongParam('env', 'a map of texts');
}
