import {SealError} from '../../core/errors.js';
import {type Attributes, readAttributes, readUint16, text} from './attributes.js';
import {malformed} from './message.js';
import {connectNetlink, KernelError, type NetlinkConnection} from './request.js';
import {NETLINK_GENERIC, openNetlinkSocket} from './socket.js';

// linux/genetlink.h
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const genericHeaderBytes = 4;

/** A family of generic netlink: a protocol that a kernel module speaks under a name, whose number differs from boot to boot. */
export interface GenericFamily {
	/** Sends one command; resolves with the attributes of each answer. @throws KernelError, SealError ERR_NETLINK */
	call(kind: 'get' | 'dump' | 'act', command: number, attributes: readonly Uint8Array[]): Attributes[];
	close(): void;
}

/** @throws SealError ERR_NETLINK_FAMILY when no module of the kernel speaks it */
export async function openFamily(name: string, version: number, given?: NetlinkConnection): Promise<GenericFamily> {
	const connection = given ?? connectNetlink(await openNetlinkSocket(NETLINK_GENERIC));
	const type = familyId(connection, name);
	return {
		call: (kind, command, attributes) =>
			connection
				.request({type, kind, payload: Buffer.concat([Buffer.from([command, version, 0, 0]), ...attributes])})
				.map(readGeneric),
		close: () => connection.close(),
	};
}

function familyId(connection: NetlinkConnection, name: string): number {
	try {
		const payload = Buffer.concat([Buffer.from([CTRL_CMD_GETFAMILY, 1, 0, 0]), text(CTRL_ATTR_FAMILY_NAME, name)]);
		const [answer] = connection.request({type: GENL_ID_CTRL, kind: 'get', payload});
		if (answer === undefined) throw malformed(`no word about the family ${name}`);
		return readUint16(readGeneric(answer), CTRL_ATTR_FAMILY_ID);
	} catch (error) {
		connection.close();
		if (!(error instanceof KernelError) || error.errno !== 'ENOENT') throw error;
		throw new SealError('ERR_NETLINK_FAMILY', `The kernel does not speak ${name}`, {
			hint: name === 'IPVS' ? 'Load the module: modprobe ip_vs.' : `Load the kernel module that provides ${name}.`,
			cause: error,
		});
	}
}

function readGeneric(payload: Buffer): Attributes {
	if (payload.length < genericHeaderBytes) throw malformed(`an answer of ${payload.length} bytes has no header`);
	return readAttributes(payload.subarray(genericHeaderBytes));
}
