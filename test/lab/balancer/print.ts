import {whyNoHosts} from '../available.js';
import {labSite, removeLabSite} from './lab-site.js';
import {namespaceSite} from './namespace-site.js';
import {outcomeHead, outcomeRow, runScenario} from './outcome.js';
import {scenarios} from './scenarios.js';
import {setScene} from './scene.js';

const usage = `usage: node .build/test/lab/balancer/print.js ipvs|nftables 4|6 [PER_SECOND [WORDS OF A TITLE]]

Runs every trouble, or those whose title holds the words, and prints what each cost as a table: "ipvs" on lab hosts, "nftables" in network namespaces
of this machine. PER_SECOND new connections, 200 by default. Needs root.`;

const [, , form = '', version = '', perSecond = '200', ...words] = process.argv;
if ((form !== 'ipvs' && form !== 'nftables') || (version !== '4' && version !== '6')) {
	console.error(usage);
	process.exitCode = 2;
} else {
	const why = form === 'ipvs' ? whyNoHosts() : undefined;
	if (why !== undefined) throw new Error(why);
	const site = form === 'ipvs' ? await labSite(version) : namespaceSite(version);
	const end = async (): Promise<void> => {
		await site.close();
		if (form === 'ipvs') removeLabSite();
	};
	process.once('SIGINT', () => void end().finally(() => process.exit(130)));
	try {
		const scene = await setScene(site, {perSecond: Number(perSecond), long: 20});
		console.log(outcomeHead);
		for (const scenario of scenarios.filter(({title}) => title.includes(words.join(' '))))
			console.log(outcomeRow(await runScenario(scene, scenario)));
	} finally {
		await end();
	}
}
