import test from 'ava';
import {renderFindings} from '../../../bin/render/host-findings.js';
import {createStyle} from '../../../bin/render/style.js';

const finding = {
	id: 'EvenMasters',
	severity: 'warning',
	what: '2 masters outlive the loss of none',
	why: '',
	mend: 'Use 3.',
} as const;

test('a finding names its hosts, and one about the cluster as a whole names none', t => {
	const shown = (hosts: readonly string[]): string => renderFindings([{...finding, hosts}], 2, createStyle(false), 80);
	t.is(shown(['m1']), 'warning: m1: 2 masters outlive the loss of none [EvenMasters]\n  Use 3.');
	t.is(shown(['m1', 'm2']), 'warning: all 2 hosts: 2 masters outlive the loss of none [EvenMasters]\n  Use 3.');
	t.is(shown([]), 'warning: 2 masters outlive the loss of none [EvenMasters]\n  Use 3.');
});
