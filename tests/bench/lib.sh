# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the parts of the bench have in common. A part prints one row a line, its fields separated by tabs: figure, ours,
# theirs, ratio, aim; "# TITLE" begins a table. tests/bench/all makes Markdown of them.

# needs PACKAGES TOOL...: the tools a part cannot do without
needs() {
	local packages=$1 tool

	shift
	for tool; do
		command -v "$tool" >/dev/null || {
			echo "bench: $tool is missing: apt-get install $packages" >&2
			exit 1
		}
	done
}

title() {
	printf '# %s\n' "$*"
}

# row FIGURE OURS THEIRS RATIO AIM
row() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$@"
}

# ratio A B
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}
