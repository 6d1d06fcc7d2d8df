import type {Performer} from '../lifecycle/run.js';
import {onLiveMaster} from './api-server.js';
import {accessObjects, askedAt} from './describe.js';
import {kubectlOn} from './kubectl.js';
import {say} from './say.js';

/** Objects that sealimage needs in the cluster. Applied again they change nothing. */
export const access: Performer<'access'> = async (run, action, options) => {
	const list = {apiVersion: 'v1', kind: 'List', items: accessObjects()};
	const request = {input: JSON.stringify(list), signal: options.signal};
	const said = await onLiveMaster(run, options, master =>
		kubectlOn(askedAt(run.setting, master))(['apply', '-f', '-'], request),
	);
	say(options, action.id, said.trim().split('\n'));
};
