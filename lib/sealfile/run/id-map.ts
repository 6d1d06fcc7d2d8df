/** Ids that a user may use besides his own, from /etc/subuid or /etc/subgid. */
export interface IdRange {
	readonly start: number;
	readonly count: number;
}

/** The first range of a user in a subuid(5) file, by name or by number. */
export function findIdRange(text: string, name: string, uid: number): IdRange | undefined {
	for (const line of text.split('\n')) {
		const [owner, start, count] = line.trim().split(':');
		if (owner !== name && owner !== String(uid)) continue;
		if (!/^\d{1,10}$/.test(start ?? '') || !/^\d{1,10}$/.test(count ?? '')) continue;
		if (Number(count) > 0) return {start: Number(start), count: Number(count)};
	}
	return undefined;
}

/** Whether a uid_map or gid_map of /proc has this id inside of its namespace; without a map every id is there. */
export function mapsId(map: string | undefined, id: number): boolean {
	if (map === undefined) return true;
	return map.split('\n').some(line => {
		const [inside = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
		return inside <= id && id < inside + count;
	});
}
