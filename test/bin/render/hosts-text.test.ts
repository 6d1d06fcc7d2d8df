import test from 'ava';
import {hostsText} from '../../../bin/render/hosts-text.js';

const says = test.macro({
	exec: (t, hosts: string, text: string) => t.is(hostsText(hosts.split(' ')), text),
	title: (_, hosts: string) => `${hosts} in few words`,
});

test(says, 'a', 'a');
test(says, 'a b c', 'a, b, c');
test(says, 'a b c d', 'a, b and 2 more');
test(says, '10.0.0.1 10.0.0.2', '10.0.0.1, 10.0.0.2');
test(says, '10.0.0.255 10.0.1.0 10.0.1.1 web', '10.0.0.255-10.0.1.1, web (4 hosts)');
test(
	says,
	'10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.5 10.0.0.6 10.0.0.7 a b',
	'10.0.0.1-10.0.0.3, 10.0.0.5-10.0.0.7 and 2 more',
);
