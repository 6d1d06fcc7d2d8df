/** The name of a cluster: part of file names and of object names. */
export function isClusterName(name: string): boolean {
	return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

export function isClusterId(id: string): boolean {
	return /^[0-9a-f]{16}$/.test(id);
}
