import {connect} from 'node:http2';
import {connect as connectSocket} from 'node:net';

/**
 * Pulls an image as a kubelet does: `ImageService.PullImage` of the container runtime interface, over gRPC on the
 * runtime's socket. Rejects with the runtime's words.
 */
export async function criPull(socket: string, image: string): Promise<void> {
	const session = connect('http://localhost', {createConnection: () => connectSocket(socket)});
	try {
		await new Promise<void>((resolve, reject) => {
			const stream = session.request({
				':method': 'POST',
				':path': '/runtime.v1.ImageService/PullImage',
				'content-type': 'application/grpc',
				te: 'trailers',
			});
			let status: string | undefined;
			let message = '';
			const note = (headers: Record<string, unknown>): void => {
				status ??= headers['grpc-status'] as string | undefined;
				message ||= decodeURIComponent(String(headers['grpc-message'] ?? ''));
			};
			stream.on('response', note);
			stream.on('trailers', note);
			stream.on('error', reject);
			stream.on('close', () =>
				status === '0'
					? resolve()
					: reject(new Error(`The runtime cannot pull ${image}: ${message} (status ${status})`)),
			);
			stream.resume();
			// PullImageRequest{image: ImageSpec{image: ...}}, after a byte for "not compressed" and the length.
			const body = field(1, field(1, Buffer.from(image)));
			const prefix = Buffer.alloc(5);
			prefix.writeUInt32BE(body.length, 1);
			stream.end(Buffer.concat([prefix, body]));
		});
	} finally {
		session.destroy();
	}
}

/** A length-delimited field of a protocol buffer. */
function field(number: number, bytes: Buffer): Buffer {
	const length: number[] = [];
	for (let left = bytes.length; ; left >>>= 7) {
		length.push(left > 127 ? (left & 127) | 128 : left);
		if (left <= 127) break;
	}
	return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}
