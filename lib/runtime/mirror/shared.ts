import {randomBytes} from 'node:crypto';
import {SealError} from '../../core/errors.js';
import {Secret} from '../../core/secret.js';
import {createPasswordCheck} from '../../registry/server/access/bcrypt/check.js';
import {hashPassword} from '../../registry/server/access/bcrypt/hash.js';
import {type Circumstances, createAuthority, type KeyPair} from '../pki/authority.js';
import {readPrivateKey} from '../pki/keys.js';
import {readCertificate} from '../pki/read-certificate.js';
import {formatMirrorLogin, parseMirrorLogin} from './config.js';
import type {MirrorState} from './observe.js';
import {places} from './places.js';

/** What all hosts of one set of registries share. */
export interface MirrorShared {
	readonly authority: KeyPair;
	/** The content of login.json. */
	readonly login: Secret;
	/** The content of htpasswd: the same login, as a hash. */
	readonly htpasswd: string;
}

interface ObservedMaster {
	readonly name: string;
	readonly state: MirrorState;
}

/**
 * Takes what the masters have already, so that hosts that are added later belong to the others; makes what none has. Only masters
 * are believed: another host cannot bring in an authority of its own.
 * @throws SealError ERR_MIRROR_CONFLICT when masters have different authorities
 */
export async function shareAmong(masters: readonly ObservedMaster[], given: Circumstances): Promise<MirrorShared> {
	const [authority, login] = await Promise.all([findAuthority(masters, given), findLogin(masters, given)]);
	return {authority, ...login};
}

async function findAuthority(masters: readonly ObservedMaster[], given: Circumstances): Promise<KeyPair> {
	const found = masters.flatMap(({name, state}) => {
		const pair = authorityOf(state, given.now ?? new Date());
		return pair === undefined ? [] : [{name, pair}];
	});
	const [first] = found;
	const other = found.find(({pair}) => pair.certPem !== first?.pair.certPem);
	if (first !== undefined && other !== undefined) {
		throw new SealError(
			'ERR_MIRROR_CONFLICT',
			`The registries of ${first.name} and ${other.name} belong to different authorities`,
			{hint: `Remove one of them with "sealimage registry remove", or name only the masters of one cluster.`},
		);
	}
	return first?.pair ?? (await createAuthority({...given, subject: {commonName: 'sealimage-registry'}}));
}

/** An authority that can sign today. */
function authorityOf({files}: MirrorState, now: Date): KeyPair | undefined {
	const certPem = files.get(places.authority)?.content;
	const key = files.get(places.authorityKey)?.content;
	if (certPem === undefined || key === undefined) return undefined;
	const keyPem = new Secret(key);
	try {
		const {x509, notAfter} = readCertificate(certPem, places.authority);
		const fits = x509.ca && x509.checkPrivateKey(readPrivateKey(keyPem, places.authorityKey)) && notAfter > now;
		// Nothing else that the file may hold goes to other hosts.
		return fits ? {certPem: x509.toString(), keyPem} : undefined;
	} catch {
		return undefined;
	}
}

async function findLogin(
	masters: readonly ObservedMaster[],
	{random = randomBytes}: Circumstances,
): Promise<Pick<MirrorShared, 'login' | 'htpasswd'>> {
	const known = masters.map(({state}) => loginOf(state)).find(login => login !== undefined);
	const {username, password} = known ?? {username: 'sealimage', password: random(32).toString('base64url')};
	const login = new Secret(formatMirrorLogin({username, password}));
	const check = createPasswordCheck();
	try {
		for (const text of new Set(masters.map(({state}) => state.files.get(places.htpasswd)?.content))) {
			const hash = new RegExp(`^${username}:(\\$2[aby]\\$\\d\\d\\$[./A-Za-z0-9]{53})\n$`).exec(text ?? '')?.[1];
			// A cost beyond this would keep the operator waiting.
			if (hash === undefined || Number(hash.slice(4, 6)) > 14) continue;
			if ((await check.check(username, password, hash)) === 'right') return {login, htpasswd: text ?? ''};
		}
	} finally {
		await check.close();
	}
	return {login, htpasswd: `${username}:${await hashPassword(new Secret(password))}\n`};
}

function loginOf({files}: MirrorState): {readonly username: string; readonly password: string} | undefined {
	const text = files.get(places.login)?.content;
	try {
		const login = text === undefined ? undefined : parseMirrorLogin(text, places.login);
		return login !== undefined && /^[a-z][a-z0-9-]*$/.test(login.username) ? login : undefined;
	} catch {
		return undefined;
	}
}
