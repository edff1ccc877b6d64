# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for iommuctl. The program itself knows what can follow; this only knows bash.

_iommuctl() {
	local line=${COMP_LINE:0:COMP_POINT} value cur done
	local -a words

	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	cur=${words[-1]}
	COMPREPLY=()
	while IFS=$'\t' read -r value _; do
		if [[ $value == :files ]]; then
			compopt -o filenames 2>/dev/null
			while IFS= read -r value; do
				COMPREPLY+=("$value")
			done < <(compgen -f -- "${cur#--*=}")
		elif [[ $value == :commands ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
		elif [[ $value == :nospace ]]; then
			compopt -o nospace 2>/dev/null
		else
			COMPREPLY+=("$value")
		fi
	done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)

	# readline breaks words at these signs, and wants only what is behind the last of them
	done=
	[[ $COMP_WORDBREAKS == *=* && $cur == --*=* ]] && done=${cur%%=*}=
	[[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && done=${cur%:*}:
	COMPREPLY=("${COMPREPLY[@]#"$done"}")
} && complete -F _iommuctl iommuctl
