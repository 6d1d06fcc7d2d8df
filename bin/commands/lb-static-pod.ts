import {staticPod} from '../../lib/lb/unit.js';
import {defineCommand} from '../command.js';

export const command = defineCommand({
	description:
		'Prints the load balancer as a static pod, for those who want everything in pods. The service of systemd is there before the container runtime and needs no image; prefer it.',
	operands: [{name: 'IMAGE', help: 'an image with the agent in it, as rootfs images are', completes: 'image'}],
	flags: {},
	examples: [
		{
			about: 'For kubelet',
			line: 'sealimage lb static-pod registry.example.com/kubernetes:v1.30 > /etc/kubernetes/manifests/sealimage-lb.yaml',
		},
	],
	async run({operands: [image = '']}) {
		const pod = staticPod({image});
		return {json: {pod}, text: () => pod};
	},
});
