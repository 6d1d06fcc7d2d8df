import {defineCommand} from '../command.js';
import {renderTable} from '../render/table.js';
import {configPath} from '../settings.js';

export const command = defineCommand({
	description:
		'Flags come before SEALIMAGE_* variables, those before the configuration file, those before defaults. The file is sealimage/config.yaml in $XDG_CONFIG_HOME or ~/.config: one map from setting to value.',
	operands: [],
	flags: {},
	examples: [{about: 'Where are the images?', line: 'sealimage config --output json | jq -r .settings.root.value'}],
	async run(_input, {settings, style, io}) {
		return {
			json: {file: configPath(io), settings},
			text: () =>
				renderTable(
					[{title: 'SETTING'}, {title: 'VALUE'}, {title: 'ORIGIN'}],
					Object.entries(settings).map(([name, {value, origin}]) => [name, String(value), origin]),
					style,
				),
		};
	},
});
