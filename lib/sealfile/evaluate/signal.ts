const names = new Set(
	(
		'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN ' +
		'TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
	).split(' '),
);

/** True for what a container runtime accepts as a Linux signal: 1 to 64, or a name with or without SIG. */
export function isSignal(text: string): boolean {
	if (/^\d{1,3}$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
	const name = text.toUpperCase().replace(/^SIG/, '');
	const realtime = /^RTM(IN\+|AX-)(\d{1,2})$/.exec(name);
	if (realtime !== null) return Number(realtime[2]) >= 1 && Number(realtime[2]) <= (realtime[1] === 'IN+' ? 15 : 14);
	return names.has(name);
}
