/** Environment variables that hold secrets of logins. They are for this process alone: nothing that it starts inherits them. */
export const secretVariables = {
	password: 'SEALIMAGE_SSH_PASSWORD',
	passphrase: 'SEALIMAGE_SSH_PASSPHRASE',
	'jump-password': 'SEALIMAGE_JUMP_PASSWORD',
	'sudo-password': 'SEALIMAGE_SUDO_PASSWORD',
} as const;
