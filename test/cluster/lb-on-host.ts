import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {build} from 'esbuild';
import {copyToHost, onHost} from '../lab/hosts.js';
import {nodeOnHost, seeSharedNode, sharedNode} from '../lab/node-on-host.js';

/** What the driver knows: a function of lib/lb and its arguments as JSON. */
const driver = `
import {inspectNode, openTable, prepareNode, readSpec, restoreNode} from './lib.mjs';
const [verb, given, ...rest] = process.argv.slice(2);
const {spec: written, options = {}, operations = []} = JSON.parse(given);
const spec = readSpec(written, 'the test');
const warnings = [];
const bag = {...options, onEvent: event => warnings.push(event.code)};
const withTable = async use => {
	const table = await openTable(spec, options.form ?? 'ipvs');
	try { return use(table); } finally { table.close(); }
};
const verbs = {
	prepare: async () => ({...(await prepareNode(spec, bag)), warnings}),
	restore: () => restoreNode(spec, bag),
	inspect: () => inspectNode(spec, bag),
	apply: () => withTable(table => { table.apply(operations); return table.read(); }),
	read: () => withTable(table => table.read()),
};
const shown = value => JSON.stringify(value, (_, each) => typeof each === 'bigint' ? Number(each) : each);
verbs[verb]().then(result => console.log(shown({result})), error => console.log(shown({error: error.toJSON?.() ?? String(error.stack)})));
`;

/** Puts lib/lb of this working copy on a host, with a driver that calls it. */
export async function putBalancer(name: string): Promise<void> {
	const dir = mkdtempSync(join(tmpdir(), 'sealimage-lb-'));
	try {
		await build({
			entryPoints: ['.build/lib/lb/index.js'],
			outfile: join(dir, 'lib.mjs'),
			...{external: ['koffi'], bundle: true, platform: 'node', format: 'esm', logLevel: 'silent'},
			banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);"},
		});
		writeFileSync(join(dir, 'driver.mjs'), driver);
		for (const file of ['lib.mjs', 'driver.mjs']) copyToHost(name, join(dir, file), '/opt/lb');
		nodeOnHost(name);
		copyToHost(name, 'node_modules/koffi', '/opt/lb/node_modules');
		for (const native of readdirSync('node_modules/@koromix'))
			copyToHost(name, join('node_modules/@koromix', native), '/opt/lb/node_modules/@koromix');
		onHost(name, 'sync');
	} finally {
		rmSync(dir, {recursive: true});
	}
}

export interface Request {
	readonly spec: object;
	readonly options?: object;
	readonly operations?: readonly object[];
}

/** Calls the library on a host; `as` is put before the command, to run it with fewer rights or elsewhere. */
export function balancerOn<T>(name: string, verb: string, request: Request, as = ''): T {
	const answer = ask<T>(name, verb, request, as);
	if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
	return answer.result as T;
}

/** As `balancerOn`, for calls that should fail. */
export function refusalOn(
	name: string,
	verb: string,
	request: Request,
	as = '',
): {code: string; message: string; hint?: string} {
	const {error} = ask<never>(name, verb, request, as);
	if (error === undefined) throw new Error('It was not refused');
	return error;
}

function ask<T>(
	name: string,
	verb: string,
	request: Request,
	as: string,
): {readonly result?: T; readonly error?: {code: string; message: string; hint?: string}} {
	const line = `${seeSharedNode}; ${as} ${sharedNode} /opt/lb/driver.mjs ${verb} '${JSON.stringify(request)}'`;
	return JSON.parse(onHost(name, line)) as {result?: T};
}
