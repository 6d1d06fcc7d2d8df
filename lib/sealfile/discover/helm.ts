import {execFile} from 'node:child_process';
import {mkdir, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {withIo} from '../../core/io-error.js';
import {withTempDir} from '../../core/temp-dir.js';
import type {ChartFiles} from './chart-load.js';

/** Runs `helm` with arguments. Rejects only when it cannot be started or is aborted. */
export interface HelmCommand {
	run(argv: readonly string[], options: Abortable & {readonly cwd: string}): Promise<HelmResult>;
	/** A folder for temporary chart folders; made when it is missing. */
	readonly tempDir: string;
}

export interface HelmResult {
	readonly exitCode: number;
	readonly stdout: string;
	readonly stderr: string;
}

export interface FindHelmOptions extends Abortable {
	readonly tempDir: string;
	/** The program (default `helm`, looked up in the PATH of `env`). */
	readonly command?: string | undefined;
	/** Only PATH is used: plugins and settings of the user's own helm must not change what a build finds. */
	readonly env: Readonly<Record<string, string | undefined>>;
}

/** The `helm` of this machine, or undefined when there is none that runs. */
export async function findHelm({
	command = 'helm',
	env,
	tempDir,
	signal,
}: FindHelmOptions): Promise<HelmCommand | undefined> {
	const helm: HelmCommand = {
		tempDir,
		run: (argv, options) => runProgram(command, argv, {...options, env}),
	};
	const found = await helm.run(['version', '--short'], {cwd: '/', signal}).catch((error: unknown) => {
		if (signal?.aborted === true) throw error;
		return undefined;
	});
	return found?.exitCode === 0 ? helm : undefined;
}

/**
 * `helm template` of a chart with its own values and `valuesFiles` on top.
 * @throws SealError ERR_CHART with what helm wrote when it refuses the chart
 */
export async function renderChart(
	helm: HelmCommand,
	name: string,
	files: ChartFiles,
	valuesFiles: readonly Uint8Array[],
	options: Abortable,
): Promise<string> {
	await mkdir(helm.tempDir, {recursive: true});
	return await withTempDir(helm.tempDir, async folder => {
		await withIo('write a chart to', folder, () => writeChart(join(folder, 'chart'), files));
		const argv = ['template', 'dryrun', 'chart'];
		for (const [index, bytes] of valuesFiles.entries()) {
			await writeFile(join(folder, `values-${index}.yaml`), bytes);
			argv.push('-f', `values-${index}.yaml`);
		}
		const {exitCode, stdout, stderr} = await helm.run(argv, {...options, cwd: folder});
		if (exitCode === 0) return stdout;
		throw new SealError('ERR_CHART', `helm cannot render the chart ${name}: ${stderr.trim().slice(-500)}`);
	});
}

/** Paths come from a tree or an archive reader, which let none lead out of its folder. */
async function writeChart(folder: string, files: ChartFiles): Promise<void> {
	for (const [path, bytes] of files) {
		const target = join(folder, path);
		await mkdir(dirname(target), {recursive: true});
		await writeFile(target, bytes);
	}
}

const maxOutputBytes = 256 * 1024 * 1024;

function runProgram(
	command: string,
	argv: readonly string[],
	options: Abortable & {readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>>},
): Promise<HelmResult> {
	const {cwd, signal} = options;
	const env = {PATH: options.env.PATH, HOME: cwd, HELM_NO_PLUGINS: '1', LC_ALL: 'C'};
	return new Promise((resolve, reject) => {
		execFile(
			command,
			[...argv],
			{cwd, env, maxBuffer: maxOutputBytes, ...(signal === undefined ? {} : {signal})},
			(error, stdout, stderr) => {
				if (signal?.aborted === true) reject(signal.reason as Error);
				else if (error === null) resolve({exitCode: 0, stdout, stderr});
				else if (typeof error.code === 'number') resolve({exitCode: error.code, stdout, stderr});
				else reject(error);
			},
		);
	});
}
