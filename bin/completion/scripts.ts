import {fileMark, folderMark} from './complete.js';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A script that asks `sealimage __complete` at each Tab: the words so far in, `text<TAB>about` lines out. */
export function completionScript(shell: Shell): string {
	switch (shell) {
		case 'bash':
			return bash;
		case 'zsh':
			return zsh;
		case 'fish':
			return fish;
	}
}

// COMP_WORDBREAKS splits words at ":" and "="; image names hold both, so the words are cut from the line here, and
// what stands before the last break is taken off the answers again.
const bash = `# bash completion for sealimage
_sealimage() {
	local line="\${COMP_LINE:0:COMP_POINT}" words current item text
	read -ra words <<<"$line"
	current="\${words[*]: -1}"
	[[ "$line" == *[[:space:]] ]] && { words+=(""); current=""; }
	COMPREPLY=()
	local kept="\${current%"\${COMP_WORDS[COMP_CWORD]}"}"
	[[ "\${COMP_WORDS[COMP_CWORD]}" == [:=] ]] && kept="$current"
	while IFS= read -r item; do
		text="\${item%%$'\\t'*}"
		case "$text" in
			'') ;;
			${fileMark}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "\${current#"$kept"}") ;;
			${folderMark}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "\${current#"$kept"}") ;;
			*) COMPREPLY+=("\${text#"$kept"}") ;;
		esac
	done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
	[[ "\${COMPREPLY[0]}" == *[=:/] ]] && compopt -o nospace
	return 0
}
complete -F _sealimage sealimage
`;

const zsh = `#compdef sealimage
_sealimage() {
	local line text about
	local -a items
	while IFS=$'\\t' read -r text about; do
		case "$text" in
			'') ;;
			${fileMark}) compset -P '*[=:]'; _files; return ;;
			${folderMark}) compset -P '*='; _files -/; return ;;
			*) items+=("\${text//:/\\\\:}\${about:+:$about}") ;;
		esac
	done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
	_describe 'sealimage' items
}
if [ "\${funcstack[1]}" = "_sealimage" ]; then _sealimage "$@"; else compdef _sealimage sealimage; fi
`;

const fish = `# fish completion for sealimage
function __sealimage_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	for item in ($words[1] __complete -- $words[2..] "$current" 2>/dev/null)
		switch $item
			case '${fileMark}*'
				__fish_complete_path "$current"
			case '${folderMark}*'
				__fish_complete_directories "$current" ''
			case '*'
				echo $item
		end
	end
end
complete -c sealimage -f -a '(__sealimage_complete)'
`;
