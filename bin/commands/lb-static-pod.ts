import {staticPod} from '../../lib/lb/unit.js';
import {defineCommand} from '../command.js';

export const command = defineCommand({
	description:
		'Prints the load balancer as a static pod, for those who want everything in pods. The agent is that of the host, so the image may be any with glibc and libstdc++. The service of systemd (lb install) is there before the container runtime and needs no image; prefer it.',
	operands: [
		{
			name: 'IMAGE',
			help: 'an image with glibc and libstdc++, such as gcr.io/distroless/cc-debian12',
			completes: 'image',
		},
	],
	flags: {},
	examples: [
		{
			about: 'For kubelet',
			line: 'sealimage lb static-pod gcr.io/distroless/cc-debian12 > /etc/kubernetes/manifests/sealimage-lb.yaml',
		},
	],
	async run({operands: [image = '']}) {
		const pod = staticPod({image});
		return {json: {pod}, text: () => pod};
	},
});
