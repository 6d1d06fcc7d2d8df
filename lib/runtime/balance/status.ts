import {type NodeReport, parseNodeReport} from '../../lb/node-report.js';
import {HostError} from '../host/error.js';
import type {ServiceOptions} from '../service/apply.js';
import {stateWord} from '../service/observe.js';
import {exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {strangeAnswer} from './observe.js';
import {places, service} from './places.js';

/** How the load balancer of a host is. */
export interface BalanceStatus {
	/** What systemd says of the service: `active`, `failed`, ...; `none` where it is not installed. */
	readonly service: string;
	/** Undefined where there is no balancer, not even its file. */
	readonly report?: NodeReport | undefined;
}

/**
 * Asks a host for its load balancer, in one round trip.
 * @throws HostError ERR_LB_STATE, ERR_AGENT_MISSING, ERR_COMMAND_FAILED when the agent cannot tell, and what `exec` throws
 */
export async function balancerStatus(
	transport: Transport,
	{root = '', ...options}: ServiceOptions = {},
): Promise<BalanceStatus> {
	const argv = ['sh', '-c', script, 'sealimage-lb', service.unit, root];
	const result = await exec(transport, argv, {...options, timeoutMs: 30_000, maxOutputBytes: 1024 * 1024});
	const [first = '', rest = ''] = splitOnce(result.stdout.toString('utf8'), '\n');
	const [word, active] = first.split(' ');
	if (word !== 'active') throw strangeAnswer(transport.host, result.stderr.subarray(0, 1000).toString('latin1'));
	const state = stateWord(active, 'unknown');
	if (result.status.code === 10) return {service: 'none'};
	if (result.status.code === 11) {
		throw new HostError(transport.host, 'ERR_AGENT_MISSING', `There is no ${places.agent}`, {
			hint: `Install the agent with "sealimage agent install ${transport.host}".`,
		});
	}
	if (result.status.code !== 0) throw cannotTell(transport.host, result.stderr);
	try {
		return {service: state, report: parseNodeReport(rest)};
	} catch (error) {
		throw strangeAnswer(transport.host, error);
	}
}

const script = `
LC_ALL=C; export LC_ALL
unit=$1 root=$2
echo "active $(systemctl is-active "$unit" 2>/dev/null)"
[ -e "$root${places.config}" ] || exit 10
[ -x "$root${places.agent}" ] || exit 11
exec "$root${places.agent}" lb status --config "$root${places.config}"
`;

function splitOnce(text: string, separator: string): readonly [string, string] {
	const at = text.indexOf(separator);
	return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** The agent writes `CODE: message`, and a hint below. */
function cannotTell(host: string, stderr: Buffer): HostError {
	const [message = '', hint] = stderr
		.subarray(0, 2000)
		.toString()
		.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
		.split('\n');
	return new HostError(host, 'ERR_LB_STATE', `Its load balancer cannot be asked: ${message || 'it says nothing'}`, {
		hint: hint || 'Look at "journalctl -u sealimage-lb" on the host.',
	});
}
