#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion: what the program offers, and that each shell gets it.
load lib

setup() {
	SRC=${BATS_TEST_DIRNAME%/tests/cli}
	ROOT=$BATS_TEST_TMPDIR/box
	make_box "$ROOT"
	PATH=${IOMMUCTL%/*}:$PATH
}

# Two groups below one unit, and a name that no shell should see.
make_box() {
	local d
	for d in 0000:00:1f.0 0000:01:00.0 0000:01:00.1; do
		put "$1/sys/devices/pci0000:00/$d/uevent" "PCI_CLASS=20000
PCI_ID=8086:10D3
PCI_SUBSYS_ID=8086:0000
PCI_SLOT_NAME=$d"
		put "$1/sys/devices/pci0000:00/$d/vendor" 0x8086
		put "$1/sys/devices/pci0000:00/$d/device" 0x10d3
		put "$1/sys/devices/pci0000:00/$d/class" 0x020000
		link "$1/sys/bus/pci/devices/$d" "../../../devices/pci0000:00/$d"
	done
	link "$1/sys/kernel/iommu_groups/7/devices/0000:00:1f.0" ../../../../devices/pci0000:00/0000:00:1f.0
	link "$1/sys/kernel/iommu_groups/12/devices/0000:01:00.0" ../../../../devices/pci0000:00/0000:01:00.0
	link "$1/sys/kernel/iommu_groups/12/devices/0000:01:00.1" ../../../../devices/pci0000:00/0000:01:00.1
	mkdir -p "$1/sys/class/iommu/dmar0/devices" "$1/sys/class/iommu/bad; name/devices"
}

# offers WORD…: the values offered for the last word, one a line.
offers() {
	"$IOMMUCTL" __complete -- "$@" | cut -f1 | grep -vx :nospace
}

@test "nouns, options and values are offered" {
	[ "$(offers hel)" = help ]
	expect_in "$(offers "")" help
	expect_not_in "$(offers "")" __complete
	[ "$(offers --js)" = --json ]
	[ "$(offers --from "")" = $'demo\n:files' ]
	[ "$(offers --from=d)" = $'--from=demo\n:files' ]
	[ "$(offers help hel)" = help ]
	[ -z "$(offers nosuch "")" ]
	[ -z "$(offers help -- --js)" ]
}

@test "a machine that cannot be read is passed over in silence" {
	run_ctl __complete -- --from /nonexistent/x group show ""
	expect_status 0
	[ -z "$output$stderr" ]
}

@test "groups, devices, units, drivers, words and columns of the machine that --from names" {
	[ "$(offers --from "$ROOT" group show "")" = $'7\n12\n0000:00:1f.0\n0000:01:00.0\n0000:01:00.1' ]
	[ "$(offers --from "$ROOT" group show 1)" = 12 ]
	[ "$(offers --from="$ROOT" device show 0000:01)" = $'0000:01:00.0\n0000:01:00.1' ]
	# without its domain, too
	[ "$(offers --from "$ROOT" device show 01:00.1)" = 01:00.1 ]
	expect_in "$(offers group list --class net)" network
	expect_in "$(offers group list --class storage,net)" storage,network
	expect_in "$(offers group list -o group,ver)" group,verdict
	expect_in "$(offers group list -o +devices.dri)" +devices.driver
	expect_in "$(offers --demo group list --driver e1)" e1000e
	# each repeats its last argument
	[ "$(offers --from "$ROOT" group check 7 1)" = 12 ]
	# one argument is enough for this
	[ -z "$(offers --from "$ROOT" group show 7 "")" ]
	run "$IOMMUCTL" __complete -- --from "$ROOT" group show 12
	[ "$output" = $'12\t0000:01:00.0 and 1 more' ]
}

@test "what is offered is what is taken: words of arguments, one value or several, programs, and no files where none is meant" {
	[ "$(offers group set-type 3 "")" = $'DMA\nDMA-FQ\nidentity\nauto' ]
	[ "$(offers device irq nic "")" = $'arm\nwait\noff' ]
	[ "$(offers hwpt dirty h r)" = read ]
	[ "$(offers faultq respond q 1 "")" = $'success\ninvalid' ]
	[ "$(offers object option r)" = rlimit-mode ]
	expect_in "$(offers object option rlimit-mode "")" $'user\nprocess'
	expect_in "$(offers device region nic b)" $'bar0\nbar1'
	expect_in "$(offers --demo group list --driver "")" none
	expect_in "$(offers --demo device vfs --driver "")" none
	expect_not_in "$(offers --demo device bind --driver "")" none
	# one value is one
	[ "$(offers plan --format q)" = qemu ]
	[ -z "$(offers plan --format libvirt,q)" ]
	expect_in "$(offers --demo group list --driver nvme,e1)" nvme,e1000e
	expect_in "$(offers --demo report x --group 1,0000:03)" 1,0000:03:00.0
	# a comma may follow, and no blank stands in its way
	expect_in "$("$IOMMUCTL" __complete -- group list --class net)" :nospace
	expect_in "$("$IOMMUCTL" __complete -- group list -o gr)" :nospace
	expect_not_in "$("$IOMMUCTL" __complete -- plan --format q)" :nospace
	# the model's words
	expect_in "$(offers --inject no-n)" no-nesting
	[ "$(offers --inject no-nesting,le)" = no-nesting,leak= ]
	# no file is a number, a text or a process
	local words
	for words in "doctor --message" "replay --speed" "ioctls -p" "viommu alloc x --type" "hwpt alloc x --data" "device bind --timeout"; do
		# shellcheck disable=SC2086
		[ -z "$(offers $words "")" ]
	done
	# programs behind --, which has to be there
	[ "$(offers why "")" = -- ]
	[ "$(offers why -- l)" = :commands ]
	[ "$(offers why -- ls "")" = :files ]
	[ "$(offers session exec x -- l)" = :commands ]
	[ "$(offers trace record it.trace -- l)" = :commands ]
	# the name of what is made
	[ "$(offers ioas alloc "")" = as ]
	[ "$(offers device open 03:00.0 a)" = as ]
	[ -z "$(offers device open 03:00.0 as "")" ]
	[ -z "$(offers ioas map mem "")" ]
}

@test "a name that a shell would not take as one word is not offered" {
	[ "$(offers --from "$ROOT" iommu show "")" = dmar0 ]
}

@test "every noun and verb has its options offered" {
	local noun verb
	for noun in $(offers ""); do
		expect_in "$(offers "$noun" --)" --json
		[ "$noun" != help ] || continue
		for verb in $(offers "$noun" ""); do
			[ "$verb" != -- ] && [ -n "$("$IOMMUCTL" help "$noun" "$verb" 2>/dev/null)" ] || continue
			expect_in "$(offers "$noun" "$verb" --)" --json
		done
	done
}

# in_bash LINE: COMPREPLY as readline would get it for LINE.
in_bash() {
	bash --norc -c '
		. "$1"
		COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$'\'' \t\n"'\''\''\'\''><=;|&(:'\''
		_iommuctl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$SRC/completions/iommuctl.bash" "$1"
}

@test "bash" {
	[ "$(in_bash "iommuctl hel")" = help ]
	[ "$(in_bash "iommuctl --js")" = --json ]
	[ "$(in_bash "iommuctl --from $ROOT device show 0000:01:00")" = $'00.0\n00.1' ]
	# readline wants what is behind the sign that it breaks words at
	[ "$(in_bash "iommuctl --from=dem")" = demo ]
	touch "$BATS_TEST_TMPDIR/some.tar"
	expect_in "$(in_bash "iommuctl --from $BATS_TEST_TMPDIR/so")" some.tar
	expect_in "$(in_bash "iommuctl --from=$BATS_TEST_TMPDIR/so")" some.tar
	[ "$(in_bash "iommuctl why -- printen")" = printenv ]
	[ "$(in_bash "iommuctl group list --class netw")" = network ]
	expect_in "$(in_bash "iommuctl why -- cat $BATS_TEST_TMPDIR/so")" some.tar
}

# in_zsh WORD…: what _describe and _files are asked to show.
in_zsh() {
	zsh -fc '
		_describe() { print -rl -- "${(@P)2}" }
		_files() { print :files }
		_command_names() { print :programs }
		compset() { return 0 }
		functions[_iommuctl]=$(<$1)
		shift
		words=(iommuctl "$@") CURRENT=$(( $# + 1 )) PREFIX=${@[-1]}
		_iommuctl' zsh "$SRC/completions/_iommuctl" "$@"
}

@test "zsh" {
	command -v zsh || skip "zsh is not installed"
	expect_in "$(in_zsh hel)" "help:print help"
	expect_in "$(in_zsh --js)" "--json:"
	expect_in "$(in_zsh --from "")" "demo:" ":files"
	expect_in "$(in_zsh --from "$ROOT" device show 0000:01)" '0000\\:01\\:00.0' '0000\\:01\\:00.1'
	[ -z "$(in_zsh nosuch "")" ]
	[ "$(in_zsh why -- printen)" = :programs ]
	[ "$(in_zsh group list --class netw)" = network ]
}

in_fish() {
	HOME=$BATS_TEST_TMPDIR fish --no-config -c "source $SRC/completions/iommuctl.fish; complete -C '$1'"
}

@test "fish" {
	command -v fish || skip "fish is not installed"
	expect_in "$(in_fish 'iommuctl hel')" $'help\tprint help'
	expect_in "$(in_fish 'iommuctl --js')" "--json"
	expect_in "$(in_fish 'iommuctl --from de')" "demo"
	expect_in "$(in_fish "iommuctl --from $ROOT device show 0000:01")" 0000:01:00.0 0000:01:00.1
	expect_in "$(in_fish "iommuctl why -- printen")" printenv
	[ "$(in_fish "iommuctl group list --class netw")" = network ]
}

# typed SHELL KEYS WANT: what stands on the screen of an interactive shell after the keys, Tab among them
typed() {
	local socket=complete-$$-$((++typed)) keys=$2 want=$3 i
	tmux -f /dev/null -L "$socket" new-session -d -x 110 -y 20 "env ZDOTDIR='$BATS_TEST_TMPDIR' $1" 3>&-
	for ((i = 0; i < 100; i++)); do
		[[ $(tmux -L "$socket" capture-pane -p) != *ready* ]] || break
		sleep 0.1
	done
	tmux -L "$socket" send-keys -l "$keys"
	tmux -L "$socket" send-keys Tab
	for ((i = 0; i < 100; i++)); do
		# a blank at its end is not on the screen yet
		[[ $(tmux -L "$socket" capture-pane -p) != *"${want% }"* ]] || break
		sleep 0.1
	done
	# what comes behind it is seen, too
	tmux -L "$socket" send-keys -l Z
	for ((i = 0; i < 100; i++)); do
		tmux -L "$socket" capture-pane -p >"$BATS_TEST_TMPDIR/screen"
		! grep -q Z "$BATS_TEST_TMPDIR/screen" || break
		sleep 0.05
	done
	tmux -L "$socket" kill-server
	grep -qF -- "${want}Z" "$BATS_TEST_TMPDIR/screen" || {
		cat "$BATS_TEST_TMPDIR/screen" >&2
		return 1
	}
}

@test "on a terminal: bash and zsh write what is meant, and a blank only where nothing else may follow" {
	command -v tmux || skip "tmux is not installed"
	printf '%s\n' "PS1='ready '" "PATH=$PATH" ". '$SRC/completions/iommuctl.bash'" >"$BATS_TEST_TMPDIR/rc"
	printf '%s\n' "PS1='ready '" "PATH=$PATH" "fpath=('$SRC/completions' \$fpath)" 'autoload -Uz compinit; compinit -u -D' \
		>"$BATS_TEST_TMPDIR/.zshrc"
	local shell typed=0
	for shell in "bash --rcfile '$BATS_TEST_TMPDIR/rc' -i" "zsh -i"; do
		command -v "${shell%% *}" || continue
		typed "$shell" "iommuctl group list --class network,sto" "network,storage"
		typed "$shell" "iommuctl --demo group check 0000:03:00.1" "0000:03:00.1 "
		typed "$shell" "iommuctl why -- printen" "why -- printenv "
	done
}
