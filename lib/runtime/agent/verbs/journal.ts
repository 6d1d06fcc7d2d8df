import {appendJournal, forgetCluster, writeMember} from '../../state/host-journal.js';
import type {HostMember} from '../../state/host-state.js';
import {isJournalEntry, type JournalEntry} from '../../state/journal.js';
import {isMember} from '../../state/member.js';
import {type Fields, fieldsOf, listIn, wrongParam} from '../params.js';
import type {AgentVerb} from '../protocol.js';

/** In this order: what is to be forgotten, what the host is, what was done on it. */
export interface JournalParams {
	/** The host is in no cluster any more. */
	readonly clear?: boolean | undefined;
	/** The cluster that it is in from now on. */
	readonly member?: HostMember | undefined;
	/** It leaves another cluster for that. */
	readonly replaces?: boolean | undefined;
	readonly append?: readonly JournalEntry[] | undefined;
}

const mostEntries = 1000;

/** Notes on this host what was done there, so that nobody does it again. */
export const journal: AgentVerb<JournalParams, object> = {
	name: 'journal',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		return {
			clear: fields.clear === true,
			member: memberIn(fields),
			replaces: fields.replaces === true,
			append: fields.append === undefined ? [] : listIn(fields, 'append', mostEntries, parseEntry),
		};
	},
	async run({clear, member, replaces, append = []}, {root}) {
		if (clear === true) await forgetCluster(root);
		if (member !== undefined) await writeMember(root, member, replaces === true);
		if (append.length > 0) await appendJournal(root, append);
		return {};
	},
};

function memberIn({member}: Fields): HostMember | undefined {
	if (member === undefined) return undefined;
	if (!isMember(member)) throw wrongParam('member', 'a member of a cluster');
	const {cluster, id, role} = member;
	return {cluster, id, role};
}

function parseEntry(value: unknown): JournalEntry {
	if (!isJournalEntry(value)) throw wrongParam('append', 'a list of ids with their keys');
	const {id, key} = value;
	return {id, key};
}
