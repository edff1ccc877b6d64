# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for iommuctl. The program itself knows what can follow; this only knows fish.

function __iommuctl_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)

	for line in ($words[1] __complete -- $words[2..-1] $current 2>/dev/null)
		if test $line = :files
			__fish_complete_path (string replace -r -- '^--[^=]*=' '' $current)
		else if test $line = :commands
			complete -C $current
		else if test $line != :nospace
			echo $line
		end
	end
end

complete -c iommuctl -f -a '(__iommuctl_complete)'
