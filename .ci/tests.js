// Reads what ava printed (the log of a step of .ci/run).
//   node .ci/tests.js files FOLDER LOG                      test files in which something failed, a line each
//   node .ci/tests.js count FOLDER LOG [FILE LOG-OF-IT]...  "PASSED FAILED"; files that ran again count as they did then
//   node .ci/tests.js details LOG...                        what failed, and how, in steps of these names
// FOLDER is where all test files of the step are, such as test/interop.
import {existsSync, readFileSync} from 'node:fs';
import {basename} from 'node:path';

const linesEach = 40;
const linesInAll = 120;
const failed =
	/^ *(\d+) (?:tests? failed|hooks? failed|tests? remained pending|uncaught exceptions?|unhandled rejections?)/;
const summary =
	/^ *\d+ (?:tests? passed|tests? failed|hooks? failed|tests? remained pending|uncaught exceptions?|unhandled rejections?)/;
const broken = /^ *✘ (?:Internal error$|Error in shared worker)/;
const known = new Map();

const [verb, ...args] = process.argv.slice(2);
if (verb === 'files') {
	const [folder, log] = args;
	for (const file of failedFiles(folder, linesOf(log))) console.log(file);
} else if (verb === 'count') {
	console.log(count(...args).join(' '));
} else if (verb === 'details') {
	for (const line of details(args)) console.log(line);
}

function linesOf(log) {
	return readFileSync(log, 'utf8')
		.replaceAll(/\x1b\[[0-9;]*m/g, '')
		.split('\n');
}

/** None when more is wrong than files tell: the runner broke off or broke itself. */
function failedFiles(folder, lines) {
	const files = new Set();
	if (!lines.some(line => summary.test(line)) || lines.some(line => broken.test(line))) return files;
	for (const line of lines) {
		const label = /^ *✘ \[(?:fail|unexpected pass)\]: (.*)/.exec(line)?.[1];
		const file = label === undefined ? fileInTrouble(line) : fileOfLabel(folder, label);
		if (file !== undefined) files.add(file);
	}
	return files;
}

/** What breaks outside of a test is told with the path of the file. */
function fileInTrouble(line) {
	return /^ *(?:✘ |Uncaught exception|Unhandled rejection|Failed to exit|\d+ tests were pending).*?(test\/\S+\.test\.ts)/.exec(
		line,
	)?.[1];
}

/** Labels are "folder › file › title", from the folder of the step on; a title may hold the sign as well. */
function fileOfLabel(folder, label) {
	const parts = label.split(' › ');
	for (let length = parts.length - 1; length > 0; length--) {
		const file = `${folder}/${parts.slice(0, length).join('/')}.test.ts`;
		if (isThere(file)) return file;
	}
	return undefined;
}

function isThere(file) {
	if (!known.has(file)) known.set(file, existsSync(file));
	return known.get(file);
}

function count(folder, log, ...again) {
	const lines = linesOf(log);
	if (again.length === 0) return [passesOf(lines).length, failuresOf(lines)];
	const files = again.filter((_, index) => index % 2 === 0);
	const logs = again.filter((_, index) => index % 2 === 1).map(linesOf);
	const others = passesOf(lines).filter(label => !files.includes(fileOfLabel(folder, label)));
	const sum = numbers => numbers.reduce((total, number) => total + number, 0);
	return [others.length + sum(logs.map(log => passesOf(log).length)), sum(logs.map(failuresOf))];
}

/** By line: ava leaves the sum of passes out when something failed. */
function passesOf(lines) {
	return lines.flatMap(line => /^ *✔ (?!\[expected fail\])(.*)/.exec(line)?.[1] ?? []);
}

function failuresOf(lines) {
	return lines.reduce((sum, line) => sum + Number(failed.exec(line)?.[1] ?? 0), 0);
}

function details(logs) {
	let left = linesInAll;
	const told = [];
	for (const log of logs) {
		told.push(`what failed in ${basename(log)}:`);
		for (const {title, body} of findings(linesOf(log))) {
			const shown = body.slice(0, Math.max(0, Math.min(linesEach, left)));
			left -= shown.length + 1;
			told.push(title, ...shown);
			if (body.length > shown.length) told.push(`    (${body.length - shown.length} more lines)`);
		}
	}
	return told.map(line => (line.length > 300 ? `${line.slice(0, 300)}…` : line));
}

function findings(lines) {
	const found = [...troubles(lines), ...failures(lines)];
	// A tool that is no test runner says at its end what is wrong.
	return found.length > 0 ? found : [{title: '  its last words:', body: lines.slice(-linesEach)}];
}

/** What is not the failure of a test is told where it happened, until the next line of a test. */
function troubles(lines) {
	const found = [];
	let current;
	for (const line of lines) {
		if (/^ *(?:[✔─]|✘ \[|\d+ tests? )/.test(line) && !/were pending/.test(line)) current = undefined;
		else if (/^ *(?:✘ (?!\[)|Uncaught exception in|Unhandled rejection in)/.test(line)) {
			current = {title: line, body: []};
			found.push(current);
		} else if (line.trim() !== '') current?.body.push(line);
	}
	return found;
}

/** Ava tells all failures at its end, in the order in which they happened, each under its label; what the test logged comes after it. */
function failures(lines) {
	const found = [];
	for (const [index, line] of lines.entries()) {
		const label = /^ *✘ \[(?:fail|unexpected pass)\]: (.*)/.exec(line)?.[1];
		if (label === undefined) continue;
		const rest = lines.slice(index + 1);
		const end = rest.findIndex(other => !/^ {4}|^$/.test(other));
		found.push({title: line, label, body: [], logged: rest.slice(0, end).filter(other => other.trim() !== '')});
	}
	let next = 0;
	const from = lines.findIndex(line => line.trim() === '─');
	for (const line of from === -1 ? [] : lines.slice(from + 1)) {
		if (line.trim() === '─') break;
		if (line.trim() !== '' && found[next]?.label.startsWith(line.trim()) && /^ {2}\S/.test(line)) next++;
		else if (line.trim() !== '') found[next - 1]?.body.push(line);
	}
	return found.map(({title, body, logged}) => ({
		title,
		body: [...body.slice(0, linesEach - 15), ...logged.slice(-15)],
	}));
}
