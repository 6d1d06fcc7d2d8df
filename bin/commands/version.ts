import {defineCommand} from '../command.js';
import {renderFields} from '../render/table.js';
import {readVersion} from '../version.js';

export const command = defineCommand({
	operands: [],
	flags: {short: {type: 'boolean', help: 'print the version alone'}},
	examples: [{about: 'For scripts', line: 'sealimage version --short'}],
	async run({flags}, {style}) {
		const {zlib, zstd} = process.versions as NodeJS.ProcessVersions & {readonly zstd?: string};
		const facts = {
			version: readVersion(),
			node: process.version,
			platform: `${process.platform}/${process.arch}`,
			zlib: zlib ?? 'unknown',
			zstd: zstd ?? 'not in this Node',
		};
		return {
			json: facts,
			text: () =>
				flags.short
					? facts.version
					: renderFields(
							[
								['sealimage', facts.version],
								['Node', facts.node],
								['Platform', facts.platform],
								['zlib', facts.zlib],
								['zstd', facts.zstd],
							],
							style,
						),
		};
	},
});
