#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What every command's output does: columns, colour, width, escaping, and a stdout that fails.
load lib

@test "-o chooses columns, + adds, help lists them" {
	run_ctl --demo group list -o group,devices.driver --noheadings
	expect_status 0
	[[ ${lines[0]} =~ ^\ *0\ +-$ ]]
	run_ctl --demo group list -o help --raw
	expect_status 0
	expect_in "$output" "COLUMN TYPE UNIT MEANING" "devices.driver string"
	run_ctl --demo -j group list -o group
	expect_json '.data[0] | keys | join(" ")' group
	run_ctl --demo group list -o +name -o +devices.bus --raw
	expect_status 0
	expect_in "${lines[0]}" "GROUP" " NAME" " BUS"
}

@test "a column is named by its field or by its heading, in any case; JSON has the field's name" {
	run_ctl --demo group list -o GROUP,Driver --raw
	expect_status 0
	[ "${lines[0]}" = "GROUP DRIVER" ]
	run_ctl --demo -j owner list -o count,Devices.Driver
	expect_json '.data[0] | [keys[], (.devices[0] | keys[])] | join(" ")' "devices owner_cnt driver"
}

@test "a wrong column is wrong usage, before anything is read" {
	run_ctl --from /nonexistent group list -o nosuch
	expect_status 2
	expect_in "$stderr" 'column "nosuch"' "hint: columns: group,"
	expect_not_in "$stderr" nonexistent
	run_ctl --demo -j group list -o nosuch
	expect_status 2
	expect_json '.errors[0].code' unknown-column
	expect_json .schema iommuctl.group.list/1
}

@test "--raw has one line a record, however many devices" {
	run_ctl --demo group list -o group --noheadings --raw
	expect_status 0
	local n=${#lines[@]}
	run_ctl --demo group list -o group,devices --noheadings --raw
	[ "${#lines[@]}" -eq "$n" ]
	# as many words in each
	[ "$(awk '{ print NF }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
}

@test "nothing is cut, coloured or wrapped where there is no terminal" {
	COLUMNS=40 TERM=xterm run_ctl --demo device list -o +path,reset_methods,holders.command
	expect_status 0
	expect_not_in "$output" $'\e'
	[ "$(wc -L <<<"$output")" -gt 80 ]
}

@test "colour is for terminals that want it" {
	run_tty 200 --demo group list
	expect_in "$output" $'\e[[]33mneeds-bind' $'\e[[]1mGROUP'
	NO_COLOR=1 run_tty 200 --demo group list
	expect_not_in "$output" $'\e'
	# no-color.org: an empty value is none
	NO_COLOR='' run_tty 200 --demo group list
	expect_in "$output" $'\e'
	run env COLUMNS=200 TERM=dumb script -qec "$IOMMUCTL --demo group list" /dev/null
	expect_not_in "$output" $'\e'
}

@test "each reading command fits a terminal of 40 columns" {
	local args
	export NO_COLOR=1
	for args in "iommu list" "iommu show dmar0" "group list" "group show 3" "group tree" "group check 3" \
		"group explain 3" "device list" "device show 0000:03:00.0" "help" "help group check"; do
		# shellcheck disable=SC2086 # words
		run_tty 40 -q --demo $args
		[ -n "$output" ]
		# what is to be copied is not broken
		local long
		long=$(grep -E '^.{41,}' <<<"$output" | grep -vE '^ +(echo|iommuctl) ' || true)
		[ -z "$long" ] || {
			printf '%s: longer than 40:\n%s\n' "$args" "$long" >&2
			return 1
		}
	done
}

@test "words are told apart without regard to case in Turkish, too" {
	[ -e /usr/share/i18n/locales/tr_TR ] || skip "the package locales, which has the alphabet, is not installed"
	localedef -i tr_TR -f UTF-8 "$BATS_TEST_TMPDIR/tr_TR.UTF-8"
	export LOCPATH=$BATS_TEST_TMPDIR LC_ALL=tr_TR.UTF-8
	run_ctl --demo --raw device list -o SRIOV_TOTAL,Driver,UNIT
	expect_status 0
	[ "${lines[0]}" = "VFS-MAX DRIVER UNIT" ]
	run_ctl --demo group tree
	expect_in "$output" '├─'
}

@test "LC_ALL=C draws in ASCII" {
	LC_ALL=C run_ctl --demo group tree
	expect_status 0
	expect_in "$output" '|-' '`-'
	run env LC_ALL=C grep -c '[^ -~]' <<<"$output"
	[ "$output" = 0 ]
	LC_ALL=C.UTF-8 run_ctl --demo group tree
	expect_in "$output" '├─'
}

@test "names that would act on a terminal are escaped, in every format" {
	local box=$BATS_TEST_TMPDIR/box g=sys/kernel/iommu_groups/7 f
	local d=sys/bus/platform/devices/$'evil\e[2J\n\x9b\xff'
	mkdir -p "$box/$d" "$box/$g/devices" "$box/sys/bus/pci/devices" "$box/sys/class/iommu/"$'dmar\e[31m'
	link "$box/$g/devices/"$'evil\e[2J\n\x9b\xff' "../../../../../$d"
	link "$box/$d/iommu_group" ../../../../kernel/iommu_groups/7
	link "$box/$d/driver" $'../../../../bus/platform/drivers/\e]0;x\a'
	put "$box/$g/type" $'DMA\e[31m\u202e'
	for f in "" --raw -j; do
		for args in "iommu list" "group list" "group show 7" "group check 7" "group explain 7" "group tree" "device list"; do
			# shellcheck disable=SC2086
			run --separate-stderr bash -c '"$IOMMUCTL" --from "$@" 2>&1 | LC_ALL=C tr -d "\n" | LC_ALL=C grep -c "[[:cntrl:]]"' - "$box" $f $args
			[ "$output" = 0 ] || {
				echo "$f $args" >&2
				return 1
			}
		done
	done
	run_ctl --from "$box" -j group list
	expect_status 0
	expect_in "$output" '_raw'
}

@test "a full, closed or abandoned stdout is an error in each format" {
	local f fifo=$BATS_TEST_TMPDIR/fifo
	mkfifo "$fifo"
	for f in "" --raw -j; do
		for args in "group list" "group show 3" "device list" "group explain 3" "group tree"; do
			run --separate-stderr bash -c '"$IOMMUCTL" --demo "$@" >/dev/full' - $f $args
			expect_status 1
			expect_in "$stderr" "cannot write the output: No space left on device"
			run --separate-stderr bash -c '"$IOMMUCTL" --demo "$@" >&-' - $f $args
			expect_status 1
			expect_in "$stderr" "cannot write the output: Bad file descriptor"
			# a pipe whose reader has gone
			run bash -c 'exec 4<>"$0" 3>"$0" 4<&-; { "$IOMMUCTL" --demo "$@"; echo "status $?" >&2; } 2>&1 >&3 3>&- | cat' \
				"$fifo" $f $args
			expect_in "$output" "Broken pipe" "status 1"
		done
	done
}

@test "an output that fails is said once, and a rehearsal leaves nothing changed behind it" {
	local traces=$BATS_TEST_DIRNAME/../traces args
	for args in "trace decode $traces/vtd-nvme.trace" "trace convert $traces/vtd-nvme.trace" "faults decode $traces/vtd.txt" \
		"device bind -n 0a:00.3" "device bind 0a:00.3" "device vfs --force 0a:00.0 0" "group set-type 14 DMA-FQ"; do
		# shellcheck disable=SC2086
		run --separate-stderr bash -c '"$IOMMUCTL" -q --demo "$@" >/dev/full' - $args
		[ "$status" -ne 4 ]
		[ "$(grep -c "No space left on device" <<<"$stderr")" -eq 1 ]
		expect_not_in "$stderr" "Broken pipe" "Input/output error" "it is done"
	done
	# a batch: its line, and its end
	run --separate-stderr bash -c '"$IOMMUCTL" --demo batch - <<<"iommu list" >/dev/full'
	expect_status 1
	[ "$stderr" = "iommuctl: -:1: cannot write the output: No space left on device
iommuctl: cannot write the output: No space left on device" ]
}

@test "-q silences warnings, errors stay" {
	local box=$BATS_TEST_TMPDIR/box
	mkdir -p "$box/sys"
	run_ctl --from "$box" group list
	expect_in "$stderr" warning
	run_ctl -q --from "$box" group list
	expect_not_in "$stderr" warning
	run_ctl -q --from "$box" group show 7
	[ "$status" -ne 0 ]
	expect_in "$stderr" "iommuctl: "
	# in the envelope they stay
	run_ctl -q -j --from "$box" group list
	[ "$(json '.warnings | length')" -gt 0 ]
	[ -z "$stderr" ] || expect_not_in "$stderr" warning
}

@test "-v says of each note what scripts get" {
	run_ctl -v --demo group show 4711
	expect_status 1
	expect_in "$stderr" "iommuctl: group 4711: " "  code no-group, ENOENT" "hint: "
	run_ctl --demo group show 4711
	expect_not_in "$stderr" "code no-group"
	mkdir "$BATS_TEST_TMPDIR/sys"
	run_ctl -v --from "$BATS_TEST_TMPDIR" group list
	expect_in "$stderr" "ENOTCAPTURED, at "
}

@test "100 at once give 100 same answers" {
	"$IOMMUCTL" --demo -j group list >"$BATS_TEST_TMPDIR/one"
	seq 100 | xargs -P 16 -I @@ sh -c '"$IOMMUCTL" --demo -j group list >"$1/@@.out"' - "$BATS_TEST_TMPDIR"
	[ "$(cat "$BATS_TEST_TMPDIR"/*.out | sort -u | wc -l)" -eq 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR"/*.out | wc -l)" -eq 100 ]
	cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/1.out"
}
