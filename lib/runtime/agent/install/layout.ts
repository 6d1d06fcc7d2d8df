/**
 * The agent on a host:
 *
 *     /opt/sealimage/versions/<id>/        one version, whole; equal ids are equal bytes
 *     /opt/sealimage/versions/.<id>.<who>/ one on its way, of one operator
 *     /opt/sealimage/current               a link to the version that counts, replaced by renaming another one over it
 *     /opt/sealimage/bin/sealimage-agent   starts that version
 */
export const agentPrefix = '/opt/sealimage';

/**
 * Goes to the version's own folder first, so that script and Node are of one version though the link changes meanwhile. What the
 * host sets for other programs in Node is not for this one.
 */
export const launcher = `#!/bin/sh
unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS
dir=$(cd -P -- "\${0%/*}/../current" && pwd -P) || exit 127
exec "$dir/node" "$dir/agent.js" "$@"
`;

/** The form of names of versions; what else is in the folder is none. */
export const idPattern: RegExp = /^\d[\w.+]*(?:-[\w.+]+)*-[0-9a-f]{12}$/;

/**
 * The folder that is removed as a whole one day.
 * @throws TypeError for one that holds more than the agent
 */
export function checkPrefix(prefix: string): string {
	if (/^(?:\/[\w-][\w.-]*){2,}$/.test(prefix)) return prefix;
	throw new TypeError(`${JSON.stringify(prefix)} cannot be the folder of the agent`);
}
