import {inspect} from 'node:util';

/**
 * A password, passphrase or key. It shows itself as `[secret]` wherever a value is printed, logged or made into JSON; only
 * `reveal` gives it away, and each call of that is a place to look at.
 */
export class Secret {
	readonly #value: string;

	constructor(value: string) {
		this.#value = value;
	}

	reveal(): string {
		return this.#value;
	}

	toString(): string {
		return '[secret]';
	}

	toJSON(): string {
		return '[secret]';
	}

	[inspect.custom](): string {
		return '[secret]';
	}
}
