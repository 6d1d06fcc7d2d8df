import {isIPv4} from 'node:net';

/** More pieces than this are counted. */
const maxPieces = 3;

/**
 * Names of hosts in few words: neighbouring addresses become the range that --hosts takes, and many are counted.
 * "10.0.0.5-10.0.0.9, web1 (6 hosts)", "a, b and 38 more".
 */
export function hostsText(hosts: readonly string[]): string {
	const pieces = fold(hosts);
	if (pieces.length > maxPieces) {
		const shown = pieces.slice(0, maxPieces - 1);
		const left = hosts.length - shown.reduce((sum, {size}) => sum + size, 0);
		return `${shown.map(({text}) => text).join(', ')} and ${left} more`;
	}
	const text = pieces.map(piece => piece.text).join(', ');
	return pieces.length < hosts.length ? `${text} (${hosts.length} hosts)` : text;
}

interface Piece {
	readonly text: string;
	readonly size: number;
}

/** Three or more neighbours in the order of the list become one range. */
function fold(hosts: readonly string[]): readonly Piece[] {
	const pieces: Piece[] = [];
	for (let from = 0; from < hosts.length; ) {
		let to = from;
		while (to + 1 < hosts.length && isNext(hosts[to]!, hosts[to + 1]!)) to++;
		if (to - from >= 2) pieces.push({text: `${hosts[from]}-${hosts[to]}`, size: to - from + 1});
		else for (let i = from; i <= to; i++) pieces.push({text: hosts[i]!, size: 1});
		from = to + 1;
	}
	return pieces;
}

function isNext(a: string, b: string): boolean {
	return isIPv4(a) && isIPv4(b) && numberOf(b) === numberOf(a) + 1;
}

function numberOf(address: string): number {
	return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
