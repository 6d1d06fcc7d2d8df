/**
 * Hosts that were seen to reach each other, found out from what succeeds and fails: two networks with a wall between them become
 * two sites after a while, and nobody asks across the wall any more.
 */
export interface Site {
	/** The site that this one became part of. */
	into: Site | undefined;
	size: number;
	/** Failures towards other sites, and when the last one was. */
	readonly walls: Map<Site, {count: number; sinceMs: number}>;
}

/** So many failures between two sites without a single success are a wall. */
const wallFailures = 3;
/** After this time one host may try again. */
const wallMs = 30_000;

export function createSite(): Site {
	return {into: undefined, size: 1, walls: new Map()};
}

/** The site that counts for a host now. */
export function siteOf(site: Site): Site {
	let root = site;
	while (root.into !== undefined) root = root.into;
	for (let at = site; at.into !== undefined && at.into !== root; ) {
		const next = at.into;
		at.into = root;
		at = next;
	}
	return root;
}

export function joinSites(one: Site, other: Site): void {
	const a = siteOf(one);
	const b = siteOf(other);
	if (a === b) return;
	const [large, small] = a.size < b.size ? [b, a] : [a, b];
	small.into = large;
	large.size += small.size;
	for (const [site, wall] of small.walls) if (siteOf(site) !== large) large.walls.set(siteOf(site), wall);
	small.walls.clear();
	large.walls.delete(small);
}

export function noteWall(from: Site, to: Site, nowMs: number): void {
	const a = siteOf(from);
	const b = siteOf(to);
	if (a === b) return;
	a.walls.set(b, {count: (a.walls.get(b)?.count ?? 0) + 1, sinceMs: nowMs});
}

/** True when there is a wall between the two, as far as is known. */
export function isWalled(from: Site, to: Site, nowMs: number): boolean {
	const a = siteOf(from);
	if (a.walls.size === 0) return false;
	const wall = a.walls.get(siteOf(to));
	if (wall === undefined || wall.count < wallFailures) return false;
	if (nowMs - wall.sinceMs < wallMs) return true;
	// Who asks now tries it for all: the others wait for what comes of it.
	wall.sinceMs = nowMs;
	return false;
}

export function isSameSite(one: Site, other: Site): boolean {
	return siteOf(one) === siteOf(other);
}
