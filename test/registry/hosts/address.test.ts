import test from 'ava';
import {isLoopback, isPrivate} from '../../../lib/registry/hosts/address.js';

const classifies = test.macro({
	exec(t, host: string, loopback: boolean, isInside: boolean) {
		t.is(isLoopback(host), loopback);
		t.is(isPrivate(host), isInside);
	},
	title: (_, host) => `knows ${String(host)}`,
});

test(classifies, 'localhost', true, true);
test(classifies, 'localhost:5000', true, true);
test(classifies, '127.0.0.1:5000', true, true);
test(classifies, '127.9.9.9', true, true);
test(classifies, '[::1]:5000', true, true);
test(classifies, '127.evil.com', false, false);
test(classifies, 'localhost.evil.com', false, false);
test(classifies, '169.254.169.254', false, true);
test(classifies, '10.0.0.1:5000', false, true);
test(classifies, '172.16.0.1', false, true);
test(classifies, '172.32.0.1', false, false);
test(classifies, '192.168.1.1', false, true);
test(classifies, '[fd00::1]:5000', false, true);
test(classifies, '[2001:db8::1]', false, false);
test(classifies, '8.8.8.8', false, false);
test(classifies, 'ghcr.io', false, false);
