// undici in one piece brings fetch, WebSockets and caches along: three quarters of the time that loading it takes.

declare module 'undici/lib/core/connect.js' {
	import type {buildConnector} from 'undici';

	export default function build(options: buildConnector.BuildOptions): buildConnector.connector;
}

declare module 'undici/lib/dispatcher/agent.js' {
	import {Agent} from 'undici';

	export default Agent;
}

declare module 'undici/lib/dispatcher/proxy-agent.js' {
	import {ProxyAgent} from 'undici';

	export default ProxyAgent;
}
