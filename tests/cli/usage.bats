#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong usage, help, version, and what happens when the output cannot be written.
load lib

# wrong WHAT ARGS…: exit 2, nothing on stdout, and stderr says WHAT.
wrong() {
	local what=$1
	shift
	run_ctl "$@"
	expect_status 2
	[ -z "$output" ]
	expect_in "$stderr" "$what"
	# the error and at most one hint
	[ "$(wc -l <<<"$stderr")" -le 2 ]
}

@test "wrong usage is exit 2 and the line that helps" {
	wrong "iommuctl: command line: names nothing to do"
	wrong 'did you mean "help"' hlp
	wrong 'did you mean "--json"' --jsno help
	wrong "needs a value" help -o
	wrong "takes no value" help --json=1
	wrong "unknown option" help -x
	wrong "one argument too many" help a b c
	wrong "the value is empty" help --from ""
	wrong "no such command" help nosuch
}

@test "abbreviated options are refused, and their full name is said" {
	wrong 'did you mean "--version"' --vers
	wrong 'did you mean "--json"' --js help
	wrong 'did you mean "--noheadings"' help --nohead
}

@test "global options stand anywhere, and -- ends them" {
	run_ctl -q help --raw
	expect_status 0
	run_ctl help -q
	expect_status 0
	wrong "help -q" help -- -q
}

@test "a letter means the same at every noun" {
	local page
	for page in "$BATS_TEST_DIRNAME"/../../man/iommuctl-*.1; do
		sed -nE 's/^\.It Fl ([A-Za-z0-9]) , Fl \\-([a-z-]+).*/\1 \2/p' "$page"
	done | sort -u >"$BATS_TEST_TMPDIR/letters"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/letters")" -gt 4 ]
	run_ctl help
	sed -nE 's/^  -([A-Za-z0-9]), --([a-z-]+).*/\1 \2/p' <<<"$output" >>"$BATS_TEST_TMPDIR/letters"
	[ -z "$(sort -u "$BATS_TEST_TMPDIR/letters" | cut -d ' ' -f 1 | uniq -d)" ] || { cat "$BATS_TEST_TMPDIR/letters" >&2; return 1; }
}

@test "what takes one value is not given two, and what takes several says so" {
	wrong '--format libvirt: it takes one value, and has been given qemu' plan --demo --format qemu --format libvirt 0a:00.2
	wrong '--format qemu,libvirt: not a valid value' plan --demo --format qemu,libvirt 0a:00.2
	wrong '--output b: it takes one value, and has been given a' metrics --output a --output b
	wrong '--from x: it takes one value, and has been given demo' --from demo --from x group list
	# an alias and its user may mean the same
	run_ctl --from demo --from demo --raw --noheadings group list -o group
	expect_status 0
	# commas and a second time are the same
	local one
	for one in "--class network,display" "--driver e1000,nvme" "--unit dmar0,iommufd_selftest_iommu.0"; do
		local words=${one#* } option=${one% *}
		run_ctl --demo --raw --noheadings group list -o group "$option" "$words"
		expect_status 0
		[ -n "$output" ]
		local both=$output
		run_ctl --demo --raw --noheadings group list -o group "$option" "${words%,*}" "$option" "${words#*,}"
		expect_status 0
		[ "$output" = "$both" ]
	done
	run_ctl --demo --raw --noheadings device list -o device --class display,storage
	expect_in "$output" 0000:01:00.0 0000:02:00.0
	expect_not_in "$output" 0000:03:00.0
	run_ctl --demo group list --unit dmar0,nosuch
	expect_status 1
	expect_in "$stderr" "unit nosuch: no such IOMMU unit"
	# each option that takes several says it where it is explained
	run_ctl help group list
	[ "$(grep -c 'several by commas' <<<"$output")" -eq 3 ]
}

@test "help is said by -h, --help and help" {
	run_ctl help
	expect_status 0
	expect_in "$output" "Nouns:" "--from" "--json"
	local all=$output
	run_ctl -h
	[ "$output" = "$all" ]
	run_ctl --help
	[ "$output" = "$all" ]
	run_ctl help help
	local one=$output
	run_ctl help -h
	[ "$output" = "$one" ]
	run_ctl -h help
	[ "$output" = "$one" ]
}

@test "-V says the version and the optional libraries" {
	run_ctl -V
	expect_status 0
	[[ $output =~ ^iommuctl\ [0-9]+\.[0-9]+.*[+-]libpci ]]
	local v=$output
	run_ctl --version
	[ "$output" = "$v" ]
}

@test "-j gives one envelope on an error too, and the error is on stderr as well" {
	run_ctl -j nosuch
	expect_status 2
	[ "$(wc -l <<<"$output")" -eq 1 ]
	expect_json '.errors[0].code' unknown-noun
	expect_json '.errors[0].errno' EINVAL
	expect_json '.data | length' 0
	expect_in "$stderr" "iommuctl: nosuch: unknown noun"
	run_ctl nosuch -j
	expect_json '.errors | length' 1
}

@test "a full stdout is an error" {
	run --separate-stderr bash -c '"$IOMMUCTL" help >/dev/full'
	expect_status 1
	expect_in "$stderr" "cannot write the output: No space left"
	run --separate-stderr bash -c '"$IOMMUCTL" -V >/dev/full'
	expect_status 1
	run --separate-stderr bash -c '"$IOMMUCTL" -j help >/dev/full'
	expect_status 1
}

@test "a closed stdout is an error, and nothing else is written to in its place" {
	run --separate-stderr bash -c '"$IOMMUCTL" help >&-'
	expect_status 1
	expect_in "$stderr" "cannot write the output: Bad file descriptor"
	run --separate-stderr bash -c '"$IOMMUCTL" -V >&-'
	expect_status 1
}

@test "a reader that went away is an error, not a death" {
	run --separate-stderr bash -c '{ sleep 0.2; "$IOMMUCTL" help; echo "status $?" >&2; } | true'
	expect_in "$stderr" "Broken pipe" "status 1"
}

@test "hostile arguments come back escaped" {
	run_ctl $'\e[31mx\n'
	expect_status 2
	expect_in "$stderr" '\\x1b\[31mx\\x0a'
	expect_not_in "$stderr" $'\e'
}
