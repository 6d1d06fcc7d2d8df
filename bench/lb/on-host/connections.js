// Opens connections to an address without end and remembers what became of each. Asked over TCP it tells: {"now"} -> its clock in
// milliseconds, {"since": ms} -> what was begun since then.
import {connect, createServer} from 'node:net';

const [, , address, port, perSecond, longCount, controlPort] = process.argv;
const giveUpMs = 1000;
/** Of the last minutes; what is older is asked for no more. */
const kept = 60_000;
const attempts = [];
const longOnes = [];
const clock = () => performance.timeOrigin + performance.now();

setInterval(attempt, 1000 / Number(perSecond));
for (let i = 0; i < Number(longCount); i++) openLong();
createServer(socket => {
	socket.on('error', () => {});
	socket.on('data', bytes => {
		for (const line of bytes.toString().trim().split('\n')) {
			const {since} = JSON.parse(line);
			socket.write(`${JSON.stringify(since === undefined ? {now: clock()} : tell(since))}\n`);
		}
	});
}).listen(Number(controlPort), '0.0.0.0');

/** One new connection: it counts when the server's greeting is there within a second. */
function attempt() {
	const one = {at: clock(), endedAt: undefined, by: undefined};
	attempts.push(one);
	if (attempts.length > kept) attempts.splice(0, kept / 2);
	const socket = connect(Number(port), address, () => socket.write('x'));
	const end = by => {
		if (one.endedAt !== undefined) return;
		Object.assign(one, {endedAt: clock(), by});
		clearTimeout(timer);
		socket.resetAndDestroy();
	};
	const timer = setTimeout(() => end(), giveUpMs);
	socket.once('data', bytes => end(bytes.toString().split('\n')[0]));
	socket.on('error', () => end());
	socket.once('close', () => end());
}

/** A connection that stays, with a byte each fifth of a second, and is opened anew when it is cut. */
function openLong() {
	const one = {by: undefined, cutAt: undefined};
	const socket = connect(Number(port), address, () => socket.write('x'));
	socket.once('data', bytes => {
		one.by = bytes.toString().split('\n')[0];
		longOnes.push(one);
		socket.resume();
	});
	socket.on('error', () => {});
	const beat = setInterval(() => socket.write('.'), 200);
	socket.once('close', () => {
		clearInterval(beat);
		one.cutAt = clock();
		setTimeout(openLong, 200);
	});
}

function tell(since) {
	const ended = attempts.filter(({at, endedAt}) => at >= since && endedAt !== undefined);
	const failed = ended.filter(({by}) => by === undefined);
	const by = {};
	for (const one of ended) if (one.by !== undefined) by[one.by] = (by[one.by] ?? 0) + 1;
	return {
		ended: ended.length,
		failed: failed.length,
		lastFailedAt: failed.at(-1)?.at,
		lastFailureAt: failed.length === 0 ? undefined : Math.max(...failed.map(({endedAt}) => endedAt)),
		by,
		cuts: longOnes.filter(({cutAt}) => cutAt >= since).map(one => ({by: one.by, at: one.cutAt})),
		long: longOnes.filter(({cutAt}) => cutAt === undefined).map(one => one.by),
	};
}
