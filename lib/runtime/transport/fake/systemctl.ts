import type {FakeReply} from './answer.js';
import type {FakeHost, FakeUnit} from './host.js';

/** systemctl(1) with the exit codes that its manual gives: 3 for a unit that does not run, 5 for one that is not there. */
export function runSystemctl(host: FakeHost, words: readonly string[]): FakeReply {
	const flags = new Set(words.filter(word => word.startsWith('-')));
	const [verb = '', ...names] = words.filter(word => !word.startsWith('-'));
	const units = names.map(name => name.replace(/\.service$/, ''));
	if (verb === 'daemon-reload' || verb === 'reset-failed') return {};
	if (verb === 'is-active' || verb === 'is-enabled') return ask(host, verb, units, flags);
	for (const unit of units) {
		const state = host.units.get(unit) ?? (hasUnitFile(host, unit) ? {} : undefined);
		if (state === undefined)
			return {code: 5, stderr: `Failed to ${verb} ${unit}.service: Unit ${unit}.service not found.\n`};
		const change = changes[verb];
		if (change === undefined) return {code: 1, stderr: `Unknown command verb ${verb}.\n`};
		const next = {...state, ...change, ...(flags.has('--now') ? {active: verb === 'enable'} : {})};
		if (next.active === true && state.broken === true) {
			host.units.set(unit, {...state, active: false});
			return {code: 1, stderr: `Job for ${unit}.service failed because the control process exited with error code.\n`};
		}
		host.units.set(unit, next);
	}
	return {};
}

const changes: Readonly<Record<string, Partial<FakeUnit>>> = {
	start: {active: true},
	restart: {active: true},
	reload: {},
	'reload-or-restart': {active: true},
	stop: {active: false},
	enable: {enabled: true},
	disable: {enabled: false},
};

function ask(
	host: FakeHost,
	verb: 'is-active' | 'is-enabled',
	units: readonly string[],
	flags: ReadonlySet<string>,
): FakeReply {
	const key = verb === 'is-active' ? 'active' : 'enabled';
	const states = units.map(unit => host.units.get(unit)?.[key] === true);
	const lines = states.map(state =>
		key === 'active' ? (state ? 'active' : 'inactive') : state ? 'enabled' : 'disabled',
	);
	const isQuiet = flags.has('-q') || flags.has('--quiet');
	const code = states.includes(true) ? 0 : key === 'active' ? 3 : 1;
	return {code, ...(isQuiet ? {} : {stdout: `${lines.join('\n')}\n`})};
}

function hasUnitFile(host: FakeHost, unit: string): boolean {
	return ['/etc', '/usr/lib', '/lib'].some(
		folder => host.files.node(`${folder}/systemd/system/${unit}.service`) !== undefined,
	);
}
