import {hasCode, isSealError} from '../core/errors.js';
import {readSettings} from './config.js';
import {defaults} from './spec.js';
import {readMemory} from './surroundings/memory.js';
import {defaultStateFile, type SurroundingsOptions} from './surroundings/options.js';
import {restoreNode} from './surroundings/restore.js';

/**
 * Takes the balancer that a file describes off this node. Where the file is gone or broken, what is remembered says what there was.
 * @returns sentences; none when there was nothing to remove
 * @throws SealError as `restoreNode`, and as `readSettings` when nothing is remembered either
 */
export async function removeNode(file: string, options: SurroundingsOptions = {}): Promise<readonly string[]> {
	try {
		return await restoreNode((await readSettings(file)).spec, options);
	} catch (error) {
		if (!isSealError(error) || !/^ERR_(?:LB_CONFIG|LB_SPEC|LB_MEMBER|LB_SCHEDULER|ADDRESS)$/.test(error.code))
			throw error;
		const {service} = await readMemory(options.stateFile ?? defaultStateFile);
		if (service === undefined && !hasCode(error, 'ERR_LB_CONFIG')) throw error;
		return service === undefined ? [] : await restoreNode({...defaults, ...service, members: []}, options);
	}
}
