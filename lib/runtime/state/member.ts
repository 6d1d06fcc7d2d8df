import type {HostMember} from './host-state.js';
import {isClusterId, isClusterName} from './names.js';

export function isMember(value: unknown): value is HostMember {
	const {cluster, id, role} = (value ?? {}) as Partial<Record<keyof HostMember, unknown>>;
	return (
		typeof cluster === 'string' &&
		isClusterName(cluster) &&
		typeof id === 'string' &&
		isClusterId(id) &&
		(role === 'master' || role === 'node')
	);
}

/** Undefined for what is none. */
export function parseMember(content: string): HostMember | undefined {
	try {
		const value: unknown = JSON.parse(content);
		if (!isMember(value)) return undefined;
		const {cluster, id, role} = value;
		return {cluster, id, role};
	} catch {
		return undefined;
	}
}
