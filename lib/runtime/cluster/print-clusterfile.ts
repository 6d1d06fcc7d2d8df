import {printYaml} from '../../core/yaml.js';
import type {Clusterfile} from './clusterfile.js';

/** A Clusterfile as text, which `readClusterfile` reads as the same. Logins are no part of it: keys and passwords stay where they are. */
export function printClusterfile(clusterfile: Clusterfile): string {
	const {name, images, env, command, hosts, configs, kubeadm} = clusterfile;
	const cluster = {
		apiVersion: 'apps.sealos.io/v1beta1',
		kind: 'Cluster',
		metadata: {name},
		spec: {
			image: images,
			hosts: hosts.map(host => ({ips: host.ips, roles: host.roles, ...envField(host.env)})),
			...envField(env),
			...(command === undefined ? {} : {command}),
		},
	};
	const changes = configs.map(({name: called, match, path, strategy, data}) => ({
		apiVersion: 'apps.sealos.io/v1beta1',
		kind: 'Config',
		metadata: {name: called},
		spec: {...(match === '' ? {} : {match}), path, strategy, data},
	}));
	return printYaml([cluster, ...changes, ...kubeadm]);
}

function envField(env: Readonly<Record<string, string>>): {readonly env?: readonly string[]} {
	const lines = Object.entries(env).map(([key, value]) => `${key}=${value}`);
	return lines.length === 0 ? {} : {env: lines};
}
