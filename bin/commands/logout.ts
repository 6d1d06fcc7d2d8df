import {SealError} from '../../lib/core/errors.js';
import {dropAllLogins, dropLogin} from '../../lib/registry/login/keep.js';
import {readAuthText} from '../../lib/registry/login/sources.js';
import {defineCommand} from '../command.js';
import {loginFiles} from '../login-files.js';
import {readLoginHost} from '../login-host.js';
import {registryFlags} from '../registry-flags.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'The login goes from every file that sealimage reads logins from, and from the credential helpers that they name: what is left would still be used.',
	operands: [
		{
			name: 'HOST',
			help: 'the registry, or the path of repositories that was logged in to',
			optional: true,
			completes: 'none',
		},
	],
	flags: {
		all: {type: 'boolean', short: 'a', help: 'forget the logins of all registries'},
		authfile: registryFlags.authfile,
	},
	examples: [
		{about: 'One registry', line: 'sealimage logout registry.example.com'},
		{about: 'All of one file', line: 'sealimage logout --all --authfile ci-auth.json'},
	],
	async run({operands: [text], flags}, {io, signal}) {
		if (flags.all === (text !== undefined))
			throw new UsageError(flags.all ? 'logout --all takes no HOST' : 'logout needs HOST, or --all');
		const options = {env: io.env, signal};
		const files = loginFiles(flags.authfile, io);
		const key = text === undefined ? undefined : readLoginHost(text).key;
		const removed: {readonly key: string; readonly from: string}[] = [];
		for (const file of files) {
			if ((await readAuthText(file)) === undefined) continue;
			const shown = file.shown ?? file.path;
			if (key === undefined) {
				for (const one of await dropAllLogins(file, options)) removed.push({key: one, from: shown});
			} else {
				const from = await dropLogin(file, key, options);
				if (from !== undefined) removed.push({key, from});
			}
		}
		if (removed.length === 0 && key !== undefined) {
			throw new SealError('ERR_CREDENTIALS', `No login for ${key} is kept`, {
				hint: 'Check the host: logins are kept under the name that they were made with.',
				details: {files: files.map(({shown, path}) => shown ?? path)},
			});
		}
		return {
			json: {removed},
			text: () => removed.map(one => `Removed the login for ${one.key} from ${one.from}`).join('\n'),
		};
	},
});
