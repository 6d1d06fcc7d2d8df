import {balancerGroup} from './items.js';

/** Objects that let the balancers of all nodes read who the masters are, and nothing else. To be applied once the API answers. */
export function balancerAccess(): readonly Readonly<Record<string, unknown>>[] {
	const apiVersion = 'rbac.authorization.k8s.io/v1';
	const metadata = {name: 'sealimage:balancer', namespace: 'default'};
	return [
		{
			apiVersion,
			kind: 'Role',
			metadata,
			// A watch that selects one name counts as a request for that name.
			rules: [
				{apiGroups: [''], resources: ['endpoints'], resourceNames: ['kubernetes'], verbs: ['get', 'list', 'watch']},
			],
		},
		{
			apiVersion,
			kind: 'RoleBinding',
			metadata,
			roleRef: {apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name},
			subjects: [{apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: balancerGroup}],
		},
	];
}
