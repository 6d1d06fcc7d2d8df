import type {ChainState, CheckedCertificate} from '../../lib/runtime/pki/check/row.js';
import type {Style} from './style.js';
import {renderTable} from './table.js';

/** One line a certificate. What many hosts have alike, as the authority, is there for each: hosts differ when something is wrong. */
export function renderCertificates(certificates: readonly CheckedCertificate[], style: Style): string {
	const columns = [
		{title: 'HOST'},
		{title: 'ITEM'},
		{title: 'SUBJECT'},
		{title: 'ENDS'},
		{title: 'LEFT', align: 'right'},
		{title: 'CHAIN'},
		{title: 'PLACE'},
	] as const;
	const rows = certificates.map(({host, item, subject, endsAt, daysLeft, chain, isAuthority, place, source}) => [
		host,
		source === 'served' ? `${item} (served)` : item,
		subject,
		endsAt.slice(0, 10),
		leftText(daysLeft),
		chainText(chain, isAuthority),
		place,
	]);
	return renderTable(columns, rows, style);
}

function leftText(days: number): string {
	if (days < 0) return 'ended';
	return days < 1000 ? `${days}d` : `${Math.floor(days / 365.2425)}y`;
}

function chainText(chain: ChainState, isAuthority: boolean): string {
	if (chain === 'ok') return isAuthority ? 'authority' : 'ok';
	if (chain === 'self-signed') return 'self-signed';
	return chain === 'unknown' ? 'not known' : 'another authority';
}
