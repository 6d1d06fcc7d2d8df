import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {delimiter, join} from 'node:path';

export interface CredentialHelper {
	/** An environment in which the helper is found. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** The file with its logins, one JSON object from server to `{Username, Secret}`. */
	readonly storePath: string;
	/** The file with a line for each call: the verb and its input. */
	readonly logPath: string;
}

/** A real `docker-credential-<name>` that keeps its logins in a file. */
export function installHelper(dir: string, name: string, logins: object = {}): CredentialHelper {
	const bin = join(dir, 'bin');
	mkdirSync(bin, {recursive: true});
	const [storePath, logPath] = [join(dir, `${name}.json`), join(dir, `${name}.log`)];
	writeFileSync(storePath, JSON.stringify(logins));
	writeFileSync(logPath, '');
	const program = join(bin, `docker-credential-${name}`);
	writeFileSync(
		program,
		`#!${process.execPath}
const {appendFileSync, readFileSync, writeFileSync} = require('node:fs');
const verb = process.argv[2];
const input = readFileSync(0, 'utf8');
appendFileSync(${JSON.stringify(logPath)}, verb + ' ' + input + '\\n');
const logins = JSON.parse(readFileSync(${JSON.stringify(storePath)}, 'utf8'));
const server = input.trim();
const fail = text => { process.stdout.write(text + '\\n'); process.exit(1); };
if (verb === 'get') {
	if (logins[server] === undefined) fail('credentials not found in native keychain');
	process.stdout.write(JSON.stringify({ServerURL: server, ...logins[server]}));
} else if (verb === 'store') {
	const {ServerURL, ...login} = JSON.parse(input);
	writeFileSync(${JSON.stringify(storePath)}, JSON.stringify({...logins, [ServerURL]: login}));
} else if (verb === 'erase') {
	if (logins[server] === undefined) fail('credentials not found in native keychain');
	delete logins[server];
	writeFileSync(${JSON.stringify(storePath)}, JSON.stringify(logins));
} else if (verb === 'list') {
	process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(logins).map(([key, one]) => [key, one.Username]))));
} else fail('unknown verb');
`,
	);
	chmodSync(program, 0o755);
	return {env: {...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`}, storePath, logPath};
}

/** A `docker-credential-<name>` made of shell lines, for what no good helper does. */
export function installScript(dir: string, name: string, lines: string): CredentialHelper['env'] {
	const bin = join(dir, 'bin');
	mkdirSync(bin, {recursive: true});
	const program = join(bin, `docker-credential-${name}`);
	writeFileSync(program, `#!/bin/sh\n${lines}\n`);
	chmodSync(program, 0o755);
	return {...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`};
}
