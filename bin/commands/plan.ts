import {storeOf} from '../../lib/registry/place/options.js';
import {runCluster} from '../../lib/runtime/lifecycle/operate.js';
import type {RunRequest} from '../../lib/runtime/lifecycle/operate-request.js';
import type {Operated} from '../../lib/runtime/lifecycle/operated.js';
import {planFileOf} from '../../lib/runtime/lifecycle/plan-file.js';
import {agentFlags} from '../agent-flags.js';
import {bringImages} from '../bring-images.js';
import {documentFlags, readClusterDocument} from '../cluster-document.js';
import {changeFlags, clusterLoginFlags, clusterNameFlag, memberFlags, settingFlags} from '../cluster-flags.js';
import {readClusterLogin} from '../cluster-login.js';
import {readWish} from '../cluster-wish.js';
import {workOnCluster} from '../cluster-work.js';
import {defineCommand} from '../command.js';
import {withPlaces} from '../places.js';
import {registryFlags} from '../registry-flags.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Looks at the hosts and shows every step, with what moves and what is lost by it; nothing is changed. What hosts are not fit for is shown beside the plan, and the exit code is 1 then. With --output json the plan is stable: as long as hosts and wishes are the same, so is its digest, and "apply" does just this plan or refuses.',
	operands: [
		{name: 'IMAGE', help: 'as for run; none with a Clusterfile', optional: true, variadic: true, completes: 'image'},
	],
	flags: {
		file: {type: 'string', short: 'f', value: 'FILE', help: 'a Clusterfile, as for apply', completes: 'file'},
		...documentFlags,
		...memberFlags,
		...clusterNameFlag,
		...settingFlags,
		force: {type: 'boolean', help: 'as for run'},
		ignore: changeFlags.ignore,
		...clusterLoginFlags,
		...agentFlags,
		...registryFlags,
	},
	examples: [
		{about: 'What would run do?', line: 'sealimage plan kubernetes:v1.30.2 redis:v7 --masters 10.0.0.1-10.0.0.3'},
		{about: 'A plan for somebody to agree to', line: 'sealimage plan -f Clusterfile --output json > plan.json'},
	],
	async run({operands, flags}, given) {
		if ((flags.file === undefined) === (operands.length === 0)) {
			throw new UsageError('plan takes images, or a Clusterfile', {
				hint: 'Write "sealimage plan IMAGE... --masters HOST", or "sealimage plan -f Clusterfile".',
			});
		}
		const login = await readClusterLogin(flags, given);
		const {context} = login;
		return await withPlaces(context, flags, async places => {
			const request: RunRequest =
				flags.file === undefined
					? {...(await readWish(flags, login)), images: operands}
					: await readClusterDocument(flags.file, flags, login);
			const images = await bringImages(request.images, places, context);
			let operated: Operated | undefined;
			const result = await workOnCluster(
				{
					verb: 'plan',
					cluster: request.name,
					store: await storeOf(places),
					isForced: flags.force,
					async operate(options) {
						operated = await runCluster({...request, images, isWaiting: flags.wait}, options);
						return operated;
					},
				},
				{...flags, yes: false, 'dry-run': true},
				login,
			);
			return operated === undefined
				? result
				: {...result, json: {...planFileOf(operated), findings: operated.findings}};
		});
	},
});
