import test from 'ava';
import {readImageFacts} from '../../lib/oci/image-type.js';

test('an image without labels is an application', t => {
	t.deepEqual(readImageFacts(undefined), {
		type: 'application',
		typed: false,
		distribution: 'kubernetes',
		hooks: {},
		warnings: [],
	});
});

for (const label of ['sealos.io.type', 'apps.sealos.io/type', 'sealimage.io/type']) {
	for (const type of ['rootfs', 'application', 'patch'] as const) {
		test(`${label}=${type} is read`, t => {
			const facts = readImageFacts({[label]: type});
			t.is(facts.type, type);
			t.true(facts.typed);
		});
	}
}

test('a rootfs says its contract, versions, distribution, addresses and hooks', t => {
	const facts = readImageFacts({
		'sealos.io.type': 'rootfs',
		'sealos.io.version': 'v1beta1',
		'sealos.io.distribution': 'k3s',
		version: 'v1.30.0',
		image: 'lvscare:1',
		vip: '$defaultVIP',
		check: 'check.sh $registryData',
		'init-registry': 'init-registry.sh',
		maintainer: 'me',
		'sealimage.io/image-fields': 'A.b',
	});
	t.deepEqual(facts, {
		type: 'rootfs',
		typed: true,
		contract: 'v1beta1',
		version: 'v1.30.0',
		distribution: 'k3s',
		hooks: {check: 'check.sh $registryData', 'init-registry': 'init-registry.sh'},
		image: 'lvscare:1',
		vip: '$defaultVIP',
		imageFields: 'A.b',
		warnings: [],
	});
});

test('labels of an application are no hooks', t => {
	t.deepEqual(readImageFacts({init: 'evil.sh', check: 'x'}).hooks, {});
});

test('two spellings that agree are fine, two types are an error', t => {
	t.is(readImageFacts({'sealos.io.type': 'patch', 'apps.sealos.io/type': 'patch'}).type, 'patch');
	const error = t.throws(() => readImageFacts({'sealos.io.type': 'patch', 'apps.sealos.io/type': 'rootfs'}), {
		code: 'ERR_IMAGE_TYPE',
	});
	t.regex(error.message, /apps\.sealos\.io\/type=rootfs and sealos\.io\.type=patch/);
});

test('a type that is none is an error', t => {
	t.throws(() => readImageFacts({'sealos.io.type': 'app'}), {
		code: 'ERR_IMAGE_TYPE',
		message: /"app", expected rootfs, application or patch/,
	});
});

test('spellings that differ otherwise are a warning, and our own counts', t => {
	const facts = readImageFacts({'sealos.io.distribution': 'k3s', 'sealimage.io/distribution': 'kubernetes'});
	t.is(facts.distribution, 'kubernetes');
	t.deepEqual(
		facts.warnings.map(({code, label}) => [code, label]),
		[['LabelConflict', 'sealos.io.distribution']],
	);
});

test('unknown labels below our prefixes and a rootfs without contract are warnings', t => {
	const {warnings} = readImageFacts({'sealos.io.type': 'rootfs', 'sealos.io.tpye': 'x'});
	t.deepEqual(
		warnings.map(({code, label}) => [code, label]),
		[
			['ContractMissing', 'sealos.io.version'],
			['LabelUnknown', 'sealos.io.tpye'],
		],
	);
});
