import test from 'ava';
import {parseChmod} from '../../../lib/sealfile/copy/mode.js';

const changing = test.macro<[string, number, number, number?]>({
	exec(t, text, before, file, directory = file) {
		t.is(parseChmod(text)(before, false), file);
		t.is(parseChmod(text)(before, true), directory);
	},
	title: (_, text, before = 0) => `--chmod=${text} changes ${before.toString(8)}`,
});

test(changing, '0', 0o644, 0);
test(changing, '755', 0o600, 0o755);
test(changing, '0755', 0o4600, 0o755);
test(changing, '07777', 0, 0o7777);
test(changing, 'u=rwX,go=rX', 0o600, 0o644, 0o755);
test(changing, 'u=rwX,go=rX', 0o711, 0o755);
test(changing, 'a+x', 0o644, 0o755);
test(changing, '+x', 0o644, 0o755);
test(changing, 'go-rwx', 0o755, 0o700);
test(changing, 'g=u', 0o740, 0o770);
test(changing, 'o=', 0o755, 0o750);
test(changing, 'u+s', 0o755, 0o4755);
test(changing, 'g+s', 0o755, 0o2755);
test(changing, '+t', 0o755, 0o1755);
test(changing, 'u=rw', 0o4755, 0o655);
test(changing, 'u+x-w', 0o644, 0o544);

const refusing = test.macro<[string]>({
	exec(t, text) {
		t.throws(() => parseChmod(text), {
			code: 'ERR_COPY_OPTION',
			message: new RegExp(`^Invalid chmod parameter "${text}": it should be an octal string and between 0 and 07777`),
		});
	},
	title: (_, text) => `--chmod=${text} is refused`,
});

for (const text of ['', '64a', '10000', '8', 'u', 'z=r', 'u=q', 'u=rw,', '-1']) test(refusing, text);
