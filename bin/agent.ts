/** After the end of the work, for lines that are on their way to a reader. */
const lastWordsMs = 2000;

process.exitCode = await main(process.argv.slice(2));
// Nothing may keep an agent alive: not a socket that a verb forgot, nor a reader that does not read.
setTimeout(() => process.exit(), lastWordsMs).unref();
process.stdout.write('', () => process.exit());

/** The balancer is a file of its own: it stays in memory on every node for good, with nothing that it does not need. */
async function main(args: readonly string[]): Promise<number> {
	if (args[0] === 'lb') {
		const {runAgentBalancer} = await import('./agent-lb.js');
		return await runAgentBalancer(args.slice(1));
	}
	const {runAgentVerbs} = await import('./agent-verbs.js');
	return await runAgentVerbs(args);
}
