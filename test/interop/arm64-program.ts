/** A static ELF program for arm64 that writes `text` to the new file `path` and ends with 0: the smallest foreign program. */
export function arm64Program(path: string, text: string): Buffer {
	const code = 13 * 4;
	const pathAt = code;
	const textAt = code + path.length + 1;
	const instructions = [
		0x92800c60, // mov x0, #-100       AT_FDCWD
		adr(1, pathAt - 4), // adr x1, path
		0xd2800822, // mov x2, #0x41       O_WRONLY | O_CREAT
		0xd2803483, // mov x3, #0644
		0xd2800708, // mov x8, #56         openat
		0xd4000001, // svc #0
		adr(1, textAt - 24), // adr x1, text
		0xd2800002 | (text.length << 5), // mov x2, #length
		0xd2800808, // mov x8, #64         write
		0xd4000001, // svc #0
		0xd2800000, // mov x0, #0
		0xd2800ba8, // mov x8, #93         exit
		0xd4000001, // svc #0
	];
	const body = Buffer.concat([
		Buffer.from(new Uint32Array(instructions.map(one => one >>> 0)).buffer),
		Buffer.from(`${path}\0${text}`, 'latin1'),
	]);
	return Buffer.concat([header(body.length), body]);
}

/** The address `offset` bytes after this instruction, into a register. */
function adr(register: number, offset: number): number {
	return 0x10000000 | ((offset & 3) << 29) | ((offset >> 2) << 5) | register;
}

const base = 0x400000n;
const headerBytes = 64 + 56;

/** The ELF header and the one segment that maps the whole file, readable and executable (elf(5)). */
function header(bodyBytes: number): Buffer {
	const elf = Buffer.alloc(headerBytes);
	elf.write('\x7fELF\x02\x01\x01', 'latin1');
	elf.writeUInt16LE(2, 16);
	elf.writeUInt16LE(183, 18);
	elf.writeUInt32LE(1, 20);
	elf.writeBigUInt64LE(base + BigInt(headerBytes), 24);
	elf.writeBigUInt64LE(64n, 32);
	elf.writeUInt16LE(64, 52);
	elf.writeUInt16LE(56, 54);
	elf.writeUInt16LE(1, 56);
	elf.writeUInt32LE(1, 64);
	elf.writeUInt32LE(5, 68);
	elf.writeBigUInt64LE(base, 80);
	elf.writeBigUInt64LE(base, 88);
	elf.writeBigUInt64LE(BigInt(headerBytes + bodyBytes), 96);
	elf.writeBigUInt64LE(BigInt(headerBytes + bodyBytes), 104);
	elf.writeBigUInt64LE(0x1000n, 112);
	return elf;
}
