# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for iommutop
_iommutop() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} done=

	case $prev in
	--from)
		mapfile -t COMPREPLY < <(compgen -W demo -- "$cur"; compgen -f -- "$cur")
		compopt -o filenames
		return
		;;
	--replay | --svg)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames
		return
		;;
	--view)
		case $cur in *,*) done=${cur%,*}, ;; esac
		mapfile -t COMPREPLY < <(compgen -P "$done" -W 'groups domains devices units faults sessions' -- "${cur##*,}")
		compopt -o nospace
		return
		;;
	-n | -d | --samples | --delay | --frame | --keys | --speed)
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W '-b --batch -n --samples -d --delay -j --json --view --raw --noheadings --from --demo
		--probes --frame --keys --replay --speed --svg -h --help -V --version' -- "$cur")
}
complete -F _iommutop iommutop
