import {spawn} from 'node:child_process';
import {type AddressInfo, connect, type Server as NetServer, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import ssh2, {
	type Algorithms,
	type AuthContext,
	type ClientChannel,
	type Connection,
	type PublicKeyAuthContext,
	type ServerChannel,
} from 'ssh2';

const {Server, utils} = ssh2;

export interface SshKeyPair {
	readonly private: string;
	readonly public: string;
	/** In its wire form. */
	readonly blob: Buffer;
}

export function generateKey(
	type: 'ed25519' | 'ecdsa' | 'rsa' = 'ed25519',
	passphrase?: string,
	comment = 'a test',
): SshKeyPair {
	const encryption = passphrase === undefined ? {} : {passphrase, cipher: 'aes256-ctr', rounds: 1};
	// A few of a thousand Ed25519 keys of this generator cannot be read by its own parser.
	for (;;) {
		const pair = utils.generateKeyPairSync(
			type as 'ecdsa',
			{bits: type === 'rsa' ? 2048 : 256, comment, ...encryption} as never,
		);
		const parsed = utils.parseKey(pair.public);
		if (parsed instanceof Error || utils.parseKey(pair.private, passphrase) instanceof Error) continue;
		return {...pair, blob: parsed.getPublicSSH()};
	}
}

export interface SshServerOptions {
	readonly hostKeys?: readonly SshKeyPair[];
	readonly password?: string;
	/** Take the password by keyboard-interactive only. */
	readonly interactive?: boolean;
	readonly keys?: readonly SshKeyPair[];
	/** How many commands may run at once on a connection. */
	readonly maxSessions?: number;
	/** Hang up on so many connections before a word is said, as sshd does beyond MaxStartups. */
	readonly drops?: number;
	readonly allowForwards?: boolean;
	readonly algorithms?: Algorithms;
	/** Instead of running the command line: the whole right over the channel. */
	readonly onExec?: (line: string, channel: ServerChannel, connection: Connection) => void;
	/** Called with each new connection. */
	readonly onConnection?: (connection: Connection) => void;
}

export interface SshServer {
	readonly port: number;
	readonly hostKey: SshKeyPair;
	/** What was seen, for looking at afterwards. */
	readonly seen: {connections: number; commands: string[]; attempts: string[]; atOnce: number};
	/** Cuts all connections without a word. */
	cut(): void;
	close(): Promise<void>;
}

/** A real SSH server on loopback that runs command lines on this machine with `/bin/sh`. Ends with the test. */
export async function startSshServer(t: ExecutionContext, options: SshServerOptions = {}): Promise<SshServer> {
	const hostKeys = options.hostKeys ?? [generateKey()];
	const seen = {connections: 0, commands: [] as string[], attempts: [] as string[], atOnce: 0};
	const connections = new Set<Connection>();
	let drops = options.drops ?? 0;
	const server = new Server(
		{
			hostKeys: hostKeys.map(key => key.private),
			...(options.algorithms === undefined ? {} : {algorithms: options.algorithms}),
		},
		connection => {
			seen.connections++;
			connections.add(connection);
			connection.on('error', () => undefined);
			connection.on('close', () => connections.delete(connection));
			connection.on('authentication', context => {
				seen.attempts.push(context.method);
				authenticate(context, options);
			});
			connection.on('ready', () => serve(connection, options, seen));
			options.onConnection?.(connection);
		},
	);
	const net = (server as unknown as {readonly _srv: NetServer})._srv;
	const listeners = net.listeners('connection') as Array<(socket: Socket) => void>;
	net.removeAllListeners('connection');
	net.on('connection', socket => {
		if (drops-- > 0) socket.destroy();
		else for (const listener of listeners) listener(socket);
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	const sockets = new Set<Socket>();
	net.on('connection', socket => {
		sockets.add(socket);
		socket.once('close', () => sockets.delete(socket));
	});
	const cut = (): void => {
		for (const socket of sockets) socket.destroy();
	};
	const close = async (): Promise<void> => {
		cut();
		await new Promise<void>(resolve => server.close(() => resolve()));
	};
	t.teardown(close);
	return {port: (server.address() as AddressInfo).port, hostKey: hostKeys[0]!, seen, cut, close};
}

function authenticate(context: AuthContext, options: SshServerOptions): void {
	const interactive = options.interactive === true;
	const methods = [
		...(options.keys === undefined ? [] : ['publickey']),
		...(options.password === undefined ? [] : [interactive ? 'keyboard-interactive' : 'password']),
	];
	const decide = (isGood: boolean): void => {
		if (isGood) context.accept();
		else context.reject(methods as never);
	};
	if (context.method === 'keyboard-interactive' && interactive) {
		context.prompt([{prompt: 'Contraseña: ', echo: false}], answers => decide(answers[0] === options.password));
	} else if (context.method === 'password') decide(!interactive && context.password === options.password);
	else if (context.method === 'publickey') decide(isKnownKey(context, options.keys ?? []));
	else decide(context.method === 'none' && methods.length === 0);
}

function isKnownKey(context: PublicKeyAuthContext, keys: readonly SshKeyPair[]): boolean {
	const known = keys.find(key => key.blob.equals(context.key.data));
	const key = known === undefined ? undefined : utils.parseKey(known.public);
	if (key === undefined || key instanceof Error) return false;
	return context.signature === undefined || key.verify(context.blob!, context.signature, context.hashAlgo);
}

function serve(connection: Connection, options: SshServerOptions, seen: SshServer['seen']): void {
	let running = 0;
	connection.on('session', (accept, reject) => {
		if (running >= (options.maxSessions ?? Number.POSITIVE_INFINITY)) {
			reject();
			return;
		}
		running++;
		seen.atOnce = Math.max(seen.atOnce, running);
		const session = accept();
		session.on('close', () => running--);
		session.on('pty', acceptPty => acceptPty());
		session.on('exec', (acceptExec, _reject, {command}) => {
			seen.commands.push(command);
			const channel = acceptExec();
			channel.on('error', () => undefined);
			if (options.onExec === undefined) run(command, channel);
			else options.onExec(command, channel, connection);
		});
	});
	// Without a listener ssh2 answers "administratively prohibited".
	if (options.allowForwards !== true) return;
	connection.on('tcpip', (accept, reject, {destIP, destPort}) => {
		const socket = connect(destPort, destIP);
		socket.once('error', () => reject());
		socket.once('connect', () => {
			const channel = accept() as unknown as ClientChannel;
			channel.on('error', () => undefined);
			socket.on('error', () => channel.close());
			channel.on('close', () => socket.destroy());
			socket.pipe(channel).pipe(socket);
		});
	});
}

function run(line: string, channel: ServerChannel): void {
	const child = spawn('/bin/sh', ['-c', line], {stdio: 'pipe', detached: true});
	child.stdin.on('error', () => undefined);
	channel.pipe(child.stdin);
	child.stdout.pipe(channel, {end: false});
	child.stderr.pipe(channel.stderr, {end: false});
	channel.once('close', () => child.stdin.destroy());
	child.once('close', (code, signal) => {
		if (signal === null) channel.exit(code ?? 0);
		else channel.exit(signal.slice(3));
		channel.end();
	});
}
