import {storeOf} from '../../lib/registry/place/options.js';
import {applyPlan, runCluster} from '../../lib/runtime/lifecycle/operate.js';
import {parsePlanFile} from '../../lib/runtime/lifecycle/plan-file.js';
import {agentFlags} from '../agent-flags.js';
import {bringImages} from '../bring-images.js';
import {documentFlags, readClusterDocument} from '../cluster-document.js';
import {changeFlags, clusterHelp, clusterLoginFlags, settingFlags} from '../cluster-flags.js';
import {readClusterLogin} from '../cluster-login.js';
import {readText} from '../cluster-wish.js';
import {workOnCluster} from '../cluster-work.js';
import {defineCommand} from '../command.js';
import {withPlaces} from '../places.js';
import {registryFlags} from '../registry-flags.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Makes a cluster what a Clusterfile says, or does a plan that "plan --output json" printed. A Clusterfile says all there is to say: hosts that it does not name leave the cluster. A plan is refused when hosts are no longer as they were when it was made. When nothing is to do, that is said after one look at the hosts. ${clusterHelp}`,
	operands: [{name: 'PLAN', help: 'a file with a plan, instead of a Clusterfile', optional: true, completes: 'file'}],
	flags: {
		file: {
			type: 'string',
			short: 'f',
			value: 'FILE',
			help: 'a Clusterfile (default: Clusterfile in this folder)',
			completes: 'file',
		},
		...documentFlags,
		address: settingFlags.address,
		wait: settingFlags.wait,
		force: {
			type: 'boolean',
			help: 'run applications again, take hosts that are in another cluster, and do what costs etcd its quorum',
		},
		...changeFlags,
		...clusterLoginFlags,
		...agentFlags,
		...registryFlags,
	},
	examples: [
		{about: 'A Clusterfile', line: 'sealimage apply -f Clusterfile'},
		{
			about: 'One for several sites',
			line: 'sealimage apply -f Clusterfile --values site-a.yaml --set pods=10.1.0.0/16',
		},
		{about: 'What somebody has looked at', line: 'sealimage apply plan.json --yes'},
	],
	async run({operands, flags}, given) {
		const [planPath] = operands;
		if (planPath !== undefined && flags.file !== undefined) {
			throw new UsageError('apply does a plan or makes what a Clusterfile says, found both', {
				hint: 'Leave out one of them.',
			});
		}
		const login = await readClusterLogin(flags, given);
		const {context} = login;
		return await withPlaces(context, flags, async places => {
			const store = await storeOf(places);
			if (planPath !== undefined) {
				const file = parsePlanFile(await readText(planPath, context), planPath);
				const work = {verb: 'apply', cluster: file.plan.cluster, store};
				return await workOnCluster({...work, operate: options => applyPlan(file, options)}, flags, login);
			}
			const request = await readClusterDocument(flags.file ?? 'Clusterfile', flags, login);
			const images = await bringImages(request.images, places, context);
			const work = {verb: 'apply', cluster: request.name, store, isForced: flags.force};
			return await workOnCluster(
				{...work, operate: options => runCluster({...request, images, isWaiting: flags.wait}, options)},
				flags,
				login,
			);
		});
	},
});
