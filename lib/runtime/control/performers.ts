import type {Performers} from '../lifecycle/run.js';
import {access} from './access.js';
import {balancer} from './balancer.js';
import {certificates} from './certificates.js';
import {deleteNode} from './delete-node.js';
import {drain} from './drain.js';
import {init} from './init.js';
import {join} from './join.js';
import {leaveEtcd} from './leave-etcd.js';
import {ready} from './ready.js';
import {registry} from './registry.js';

/** Who does what makes and changes the control plane. */
export const controlPerformers: Pick<
	Performers,
	| 'access'
	| 'balancer'
	| 'certificates'
	| 'delete-node'
	| 'drain'
	| 'init'
	| 'join'
	| 'leave-etcd'
	| 'ready'
	| 'registry'
> = {
	access,
	balancer,
	certificates,
	'delete-node': deleteNode,
	drain,
	init,
	join,
	'leave-etcd': leaveEtcd,
	ready,
	registry,
};
