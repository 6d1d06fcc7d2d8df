import {storeOf} from '../../lib/registry/place/options.js';
import {runCluster} from '../../lib/runtime/lifecycle/operate.js';
import {agentFlags} from '../agent-flags.js';
import {bringImages} from '../bring-images.js';
import {
	changeFlags,
	clusterHelp,
	clusterLoginFlags,
	clusterNameFlag,
	memberFlags,
	settingFlags,
} from '../cluster-flags.js';
import {readClusterLogin} from '../cluster-login.js';
import {readWish} from '../cluster-wish.js';
import {workOnCluster} from '../cluster-work.js';
import {defineCommand} from '../command.js';
import {withPlaces} from '../places.js';
import {registryFlags} from '../registry-flags.js';

export const command = defineCommand({
	description: `Makes a cluster out of bare hosts and images, and runs applications in it; in a cluster that is there, more images are run, and a newer one takes the place of what it is a version of. Without hosts a cluster that is remembered is meant, else this machine becomes a cluster of one node. The first image is a rootfs, which brings Kubernetes; images are names in the store, archives, or names in registries. ${clusterHelp}`,
	operands: [
		{
			name: 'IMAGE',
			help: 'a rootfs, patches and applications, in the order in which they count',
			variadic: true,
			completes: 'image',
		},
	],
	flags: {
		...memberFlags,
		...clusterNameFlag,
		...settingFlags,
		force: {
			type: 'boolean',
			short: 'f',
			help: 'run applications again that were run, and take hosts that are in another cluster',
		},
		...changeFlags,
		...clusterLoginFlags,
		...agentFlags,
		...registryFlags,
		transport: {
			type: 'string',
			short: 't',
			value: 'KIND',
			help: 'taken for scripts of sealos: what kind of archive it is, its content tells',
		},
		single: {type: 'boolean', help: 'taken for scripts of sealos: without hosts that is what happens'},
	},
	examples: [
		{
			about: 'Three masters, a worker, a network and an application',
			line: 'sealimage run kubernetes:v1.30.2 calico:v3.28 redis:v7 --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.4',
		},
		{about: 'This machine alone', line: 'sealimage run kubernetes:v1.30.2'},
		{
			about: 'One more application in the cluster',
			line: "sealimage run shop.tar -e DOMAIN=shop.example.com --cmd 'helm install shop charts/shop'",
		},
		{about: 'What would be done?', line: 'sealimage run kubernetes:v1.31.1 --dry-run'},
	],
	async run({operands, flags}, given) {
		const login = await readClusterLogin(flags, given);
		const wish = await readWish(flags, login);
		return await withPlaces(login.context, flags, async places => {
			const images = await bringImages(operands, places, login.context);
			const work = {verb: 'run', cluster: wish.name, store: await storeOf(places), isForced: flags.force};
			return await workOnCluster({...work, operate: options => runCluster({...wish, images}, options)}, flags, login);
		});
	},
});
