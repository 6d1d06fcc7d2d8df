import {type Verification, verifyImage} from '../../lib/oci/validate.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {printable} from '../render/text.js';
import {count, formatBytes} from '../render/units.js';
import {withStore} from '../store.js';

export const command = defineCommand({
	description:
		'Recomputes every digest, size and diffID, and checks manifests and configs against each other. Everything that is wrong is listed; the exit code is 1 then.',
	operands: [
		{name: 'IMAGE', help: 'names, digests or short digests of images in the store', variadic: true, completes: 'image'},
	],
	flags: {},
	examples: [{about: 'After a transport', line: 'sealimage load -i site.tar && sealimage verify kubernetes:v1.30'}],
	async run({operands}, context) {
		const {signal, onEvent, style} = context;
		return await withStore(context, async store => {
			const verified: Array<Verification & {readonly reference: string}> = [];
			for (const reference of operands)
				verified.push({reference, ...(await verifyImage(store, reference, {signal, onEvent}))});
			const wrong = verified.some(({findings}) => findings.some(finding => finding.code !== 'warning'));
			return {
				json: verified.map(({descriptor, ...rest}) => ({digest: descriptor.digest, ...rest})),
				text: () =>
					verified
						.flatMap(({reference, descriptor, findings, blobs, sizeBytes, missingChildren}) => [
							`${findings.length === 0 ? style.green('ok') : style.red('damaged')} ${printable(reference)} ${descriptor.digest}: ${count(blobs, 'blob')}, ${formatBytes(sizeBytes)}`,
							...findings.map(
								({code, digest, message}) =>
									`  ${code === 'warning' ? 'warning: ' : ''}${printable(message)} [${code}] in ${digest}`,
							),
							...(missingChildren.length === 0
								? []
								: [`  ${count(missingChildren.length, 'image')} of its index not here, which is allowed`]),
						])
						.join('\n'),
				exitCode: wrong ? exitCodes.failure.code : exitCodes.ok.code,
			};
		});
	},
});
