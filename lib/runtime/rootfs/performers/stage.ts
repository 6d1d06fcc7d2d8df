import type {Performer} from '../../lifecycle/run.js';
import {stageSources} from '../sources.js';
import type {StageRequest} from '../stage.js';
import {callAgent, hostOf, tell} from './on-host.js';

/** Makes the working copy of images on a host. The same copy that is there already is left alone. */
export const stage: Performer<'stage'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const {place} = action.input;
	const {images, configs, env} = stageSources(run.setting, host, place);
	const request: StageRequest = {place, configs, env, trees: images.map(({name}) => run.treeOf(host.name, name))};
	const {path, rendered} = (await callAgent(host, 'stage', request, action.id, options)) as Record<string, unknown>;
	tell(action.id, `${String(path)}, with ${String(rendered)} templates rendered`, options);
};
