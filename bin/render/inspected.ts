import {shortReference} from '../../lib/oci/reference.js';
import type {Inspected, InspectedPlatform} from '../inspect-image.js';
import type {Style} from './style.js';
import {renderFields, renderTable} from './table.js';
import {formatBytes, shortDigest} from './units.js';

/** An image for people: names, then for each platform its settings, layers and embedded images. */
export function renderInspected(image: Inspected, style: Style): string {
	const head = renderFields(
		[
			['Names', image.names.map(shortReference)],
			['Digest', image.digest],
			['Platforms', image.platforms.map(({platform}) => platform).join(', ')],
		],
		style,
	);
	return [head, ...image.platforms.map(platform => renderPlatform(platform, image.platforms.length > 1, style))].join(
		'\n',
	);
}

function renderPlatform(image: InspectedPlatform, several: boolean, style: Style): string {
	const fields = renderFields(
		[
			['Type', image.type ?? ''],
			['Version', image.version ?? ''],
			['Created', image.created ?? ''],
			['Size', formatBytes(image.sizeBytes)],
			['Warnings', image.warnings],
			[
				'Labels',
				Object.entries(image.labels)
					.toSorted()
					.map(([name, value]) => `${name}=${value}`),
			],
			['Env', image.env],
			['Entrypoint', image.entrypoint],
			['Cmd', image.cmd],
		],
		style,
	);
	const layers = renderTable(
		[{title: 'LAYER'}, {title: 'SIZE', align: 'right'}, {title: 'CREATED BY'}],
		image.layers.map(layer => [shortDigest(layer.digest), formatBytes(layer.sizeBytes), layer.createdBy.slice(0, 100)]),
		style,
	);
	const embedded =
		image.embedded === undefined || image.embedded.length === 0
			? []
			: [
					renderTable(
						[{title: 'EMBEDDED IMAGE'}, {title: 'DIGEST'}, {title: 'FOUND IN'}],
						image.embedded.map(({reference, digest, foundIn}) => [
							shortReference(reference),
							shortDigest(digest),
							foundIn.join(', '),
						]),
						style,
					),
				];
	const title = several ? [`${style.bold(`--- ${image.platform}`)} ${style.dim(image.digest)}\n${fields}`] : [fields];
	return [...title, ...(image.layers.length === 0 ? [] : [layers]), ...embedded].join('\n');
}
