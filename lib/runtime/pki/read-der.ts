/** One value of a DER document. */
export interface DerValue {
	readonly tag: number;
	readonly content: Buffer;
	/** Tag, length and content. */
	readonly whole: Buffer;
}

/**
 * The values that stand one after another in `bytes`: at most 1000, which is more than any certificate holds.
 * @throws RangeError when it is not DER
 */
export function readDer(bytes: Buffer): readonly DerValue[] {
	const values: DerValue[] = [];
	for (let at = 0; at < bytes.length; ) {
		const next = readOne(bytes.subarray(at));
		values.push(next);
		if (values.length > 1000) throw new RangeError('There are too many values');
		at += next.whole.length;
	}
	return values;
}

function readOne(bytes: Buffer): DerValue {
	const [tag = 0, short = 0] = bytes;
	if (bytes.length < 2 || (tag & 0x1f) === 0x1f) throw new RangeError('A value has no tag that is known');
	const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
	if (short === 0x80 || lengthBytes > 4 || bytes.length < 2 + lengthBytes)
		throw new RangeError('A value has no length');
	const length = lengthBytes === 0 ? short : bytes.readUIntBE(2, lengthBytes);
	const start = 2 + lengthBytes;
	if (start + length > bytes.length) throw new RangeError('A value is longer than what holds it');
	return {tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length)};
}
