import test from 'ava';
import {homeEndpoint} from '../../../lib/registry/hosts/endpoint.js';

test('Docker Hub answers under another name', t => {
	t.is(homeEndpoint('docker.io', 'library/redis').origin, 'https://registry-1.docker.io');
	t.is(homeEndpoint('docker.io', 'library/redis').host, 'docker.io');
	t.is(homeEndpoint('ghcr.io', 'a').origin, 'https://ghcr.io');
});

test('plain http is for loopback and for hosts that were declared insecure', t => {
	t.false(homeEndpoint('ghcr.io', 'a').plainHttp);
	t.true(homeEndpoint('localhost:5000', 'a').plainHttp);
	t.false(homeEndpoint('localhost:5000', 'a').insecure);
	const told = homeEndpoint('ghcr.io', 'a', {insecure: true});
	t.true(told.plainHttp && told.insecure && told.tls?.insecure === true);
});
