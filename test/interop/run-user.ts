import {readFileSync} from 'node:fs';
import {playSession, type Session} from './run-session.js';

/* Plays the session that is on standard input as the user that this process belongs to, and prints what came of it. */
const session = JSON.parse(readFileSync(0, 'utf8')) as Session;
process.stdout.write(JSON.stringify(await playSession(session)));
