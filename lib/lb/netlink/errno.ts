/** asm-generic/errno-base.h and errno.h: those that netlink and IPVS answer with. The numbers are those of amd64 and arm64. */
const names: Readonly<Record<number, string>> = {
	1: 'EPERM',
	2: 'ENOENT',
	3: 'ESRCH',
	4: 'EINTR',
	5: 'EIO',
	7: 'E2BIG',
	9: 'EBADF',
	11: 'EAGAIN',
	12: 'ENOMEM',
	13: 'EACCES',
	16: 'EBUSY',
	17: 'EEXIST',
	19: 'ENODEV',
	22: 'EINVAL',
	24: 'EMFILE',
	34: 'ERANGE',
	75: 'EOVERFLOW',
	90: 'EMSGSIZE',
	92: 'ENOPROTOOPT',
	93: 'EPROTONOSUPPORT',
	95: 'EOPNOTSUPP',
	97: 'EAFNOSUPPORT',
	98: 'EADDRINUSE',
	99: 'EADDRNOTAVAIL',
	101: 'ENETUNREACH',
	105: 'ENOBUFS',
	110: 'ETIMEDOUT',
	113: 'EHOSTUNREACH',
};

/** `EPERM`, or `errno 200` for one that has no business here. */
export function errnoName(errno: number): string {
	return names[Math.abs(errno)] ?? `errno ${Math.abs(errno)}`;
}
