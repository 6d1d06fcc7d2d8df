const message = Buffer.from('Hello from an image that sealimage built.\n');

/** A static Linux program that prints one line: `write(1, message)` and `exit(0)`, in machine code. */
export function helloProgram(architecture) {
	const {machine, pageBytes, code} = programs[architecture];
	const base = 0x400000n;
	const headerBytes = 64 + 56;
	const fileBytes = headerBytes + code.length + message.length;
	const header = Buffer.alloc(headerBytes);
	header.write('\x7fELF\x02\x01\x01', 0, 'latin1');
	header.writeUInt16LE(2, 16); // an executable
	header.writeUInt16LE(machine, 18);
	header.writeUInt32LE(1, 20);
	header.writeBigUInt64LE(base + BigInt(headerBytes), 24); // where it starts
	header.writeBigUInt64LE(64n, 32); // the program header follows
	header.writeUInt16LE(64, 52);
	header.writeUInt16LE(56, 54);
	header.writeUInt16LE(1, 56);
	header.writeUInt32LE(1, 64); // one segment to load
	header.writeUInt32LE(5, 68); // readable and executable
	header.writeBigUInt64LE(base, 80);
	header.writeBigUInt64LE(base, 88);
	header.writeBigUInt64LE(BigInt(fileBytes), 96);
	header.writeBigUInt64LE(BigInt(fileBytes), 104);
	header.writeBigUInt64LE(BigInt(pageBytes), 112);
	return Buffer.concat([header, code, message]);
}

const programs = {
	amd64: {machine: 62, pageBytes: 0x1000, code: amd64Code()},
	arm64: {machine: 183, pageBytes: 0x10000, code: arm64Code()},
};

function amd64Code() {
	const code = Buffer.from(
		'b801000000' + // mov eax, 1 (write)
			'bf01000000' + // mov edi, 1
			'488d3510000000' + // lea rsi, [the message, 16 bytes after this instruction]
			'ba00000000' + // mov edx, length
			'0f05' + // syscall
			'b83c000000' + // mov eax, 60 (exit)
			'31ff' + // xor edi, edi
			'0f05', // syscall
		'hex',
	);
	code.writeUInt32LE(message.length, 18);
	return code;
}

function arm64Code() {
	const words = [
		0xd2800020, // mov x0, 1
		0x100000e1, // adr x1, the message, 28 bytes on
		0xd2800002 | (message.length << 5), // mov x2, length
		0xd2800808, // mov x8, 64 (write)
		0xd4000001, // svc 0
		0xd2800000, // mov x0, 0
		0xd2800ba8, // mov x8, 93 (exit)
		0xd4000001, // svc 0
	];
	const code = Buffer.alloc(words.length * 4);
	for (const [i, word] of words.entries()) code.writeUInt32LE(word >>> 0, i * 4);
	return code;
}
