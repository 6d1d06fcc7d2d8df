import {realSystem} from '../../node/system.js';
import {readCidr} from '../../preflight/cidr.js';
import {isDataFolder} from '../../rootfs/reset/folders.js';
import {type ResetDone, type ResetRequest, resetNode as reset} from '../../rootfs/reset/reset.js';
import {type Fields, fieldsOf, listIn, textIn, wrongParam} from '../params.js';
import type {AgentVerb} from '../protocol.js';

/** Takes everything of Kubernetes off this host. */
export const resetNode: AgentVerb<ResetRequest, ResetDone> = {
	name: 'reset-node',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		const {role} = fields;
		if (role !== 'master' && role !== 'node') throw wrongParam('role', 'master or node');
		return {
			role,
			pods: networksIn(fields, 'pods'),
			services: networksIn(fields, 'services'),
			virtualAddress: textIn(fields, 'virtualAddress', 64),
			...folderIn(fields, 'etcdFolder'),
			...folderIn(fields, 'kubeletFolder'),
		};
	},
	run: (request, {root, signal}) => reset(request, root, realSystem(), {signal}),
};

function networksIn(fields: Fields, name: string): readonly string[] {
	return listIn(fields, name, 10, value => {
		const text = textIn({[name]: value}, name, 64);
		if (readCidr(text) === undefined) throw wrongParam(name, 'a list of networks');
		return text;
	});
}

/** What is in it is removed: no folder of the system itself. */
function folderIn(fields: Fields, name: 'etcdFolder' | 'kubeletFolder'): object {
	if (fields[name] === undefined) return {};
	const folder = textIn(fields, name, 1000);
	if (isDataFolder(folder)) return {[name]: folder};
	throw wrongParam(name, 'a folder of data');
}
