#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command that prints a record, on every fixture machine, against docs/schema.
load lib

setup() {
	SRC=${BATS_TEST_DIRNAME%/tests/cli}
	LINES_FILE=$BATS_TEST_TMPDIR/lines ENDS=2
	: >"$LINES_FILE"
}

validate() {
	python3 "$BATS_TEST_DIRNAME/validate" "$SRC/docs/schema" <"$LINES_FILE"
}

# keep LABEL ARGS…: runs the program with -j and keeps its line, whatever its exit code is.
keep() {
	local label=$1
	shift
	run --separate-stderr "$IOMMUCTL" -j "$@"
	# one line, and not killed by a signal
	[ "$status" -lt 126 ] && [ "$(wc -l <<<"$output")" -eq 1 ] && [ -n "$output" ] || {
		echo "$label: iommuctl -j $*: exit $status" >&2
		return 1
	}
	printf '%s: %s\t%s\n' "$label" "$*" "$output" >>"$LINES_FILE"
}

# later LABEL ARGS…: keeps the words for batched, without --from FROM
later() {
	shift 3
	printf "'%s' " "${@//\'/\'\\\'\'}" >>"$LIST"
	echo >>"$LIST"
}

# batched FROM: runs in one process what later was given. One line each, and the batch's own.
batched() {
	local from=$1

	"$IOMMUCTL" -j --from "$from" batch --keep-going "$LIST" >"$LIST.out" 2>/dev/null || [ $? -lt 126 ]
	[ "$(wc -l <"$LIST.out")" -eq $(($(wc -l <"$LIST") + 1)) ] || {
		echo "$from: $(wc -l <"$LIST") commands, $(wc -l <"$LIST.out") lines" >&2
		return 1
	}
	paste -d '\t' <(sed "s|^|${from##*/}: |" "$LIST"; echo "${from##*/}: batch") "$LIST.out" >>"$LINES_FILE"
}

# offers FROM WORD…: what completion offers, which is all that there is.
offers() {
	local from=$1
	shift
	"$IOMMUCTL" __complete -- --from "$from" "$@" | cut -f1
}

# some FROM NOUN VERB: arguments to try: $ENDS from both ends of what there is, one that is wrong.
some() {
	offers "$@" "" | grep -v '^:' | awk -v n="$ENDS" '{ v[NR] = $0 } END { for (i = 1; i <= NR; i++) if (i <= n || i > NR - n) print v[i] }'
	echo nosuch
}

# every_command FROM [HOW]: gives each noun and verb that reads a machine to keep, or to HOW.
every_command() {
	local from=$1 how=${2:-keep} noun verb arg
	for noun in $(offers "$from" ""); do
		case $noun in help) continue ;; esac
		for verb in $(offers "$from" "$noun" "" | grep -v -e '^:' -e '[0-9]') -; do
			case $noun\ $verb in
			snapshot\ * | report\ * | ioctls\ * | why\ * | trace\ * | faults\ watch | faults\ - | faultq\ serve | faultq\ - | session\ exec | session\ -) continue ;; # take a file, or stream; below, and trace.bats
			*\ -) set -- "$noun" ;;
			*) set -- "$noun" "$verb" ;;
			esac
			"$how" "${from##*/}" --from "$from" "$@"
			for arg in $(some "$from" "$@"); do
				"$how" "${from##*/}" --from "$from" "$@" "$arg"
			done
		done
	done
}

@test "the validator finds what is wrong" {
	local good='{"schema":"iommuctl.error/1","host":null,"source":null,"boot_id":null,"data":[],"warnings":[],"errors":[]}'
	printf 'x\t%s\n' "$good" >"$LINES_FILE"
	validate
	local bad
	for bad in "${good/null/7}" "${good/,\"errors\":\[\]/}" "${good/\[\]/[1]}" "${good/error/nosuch}" \
		"${good/\"host\"/\"more\":1,\"host\"}" "${good%\}}"; do
		printf 'x\t%s\n' "$bad" >"$LINES_FILE"
		run validate
		[ "$status" -eq 1 ]
	done
}

# has_data FROM: that it was not all errors.
has_data() {
	run_ctl --from "$1" -j device list
	expect_status 0
	[ "$(json '.data | length')" -gt 0 ]
}

@test "every command on the built-in machine, which uses every schema" {
	has_data demo
	every_command demo
	keep snapshot --demo snapshot save "$BATS_TEST_TMPDIR/s.tar"
	keep snapshot snapshot info "$BATS_TEST_TMPDIR/s.tar"
	keep why --demo why -- true
	keep report --demo report "$BATS_TEST_TMPDIR/report"
	keep trace trace stat "$SRC/tests/traces/nvme.trace"
	keep trace trace stat "$SRC/tests/traces/domains.trace"
	keep trace --from demo trace record
	keep replay --from demo replay "$SRC/tests/traces/nvme.trace"
	"$IOMMUCTL" -j trace decode "$SRC/tests/traces/nvme.trace" 2>&1 | sed -n 's/^/trace decode\t/p;q' >>"$LINES_FILE"
	"$IOMMUCTL" -j ioctls -- true 2>/dev/null | sed -n 's/^/ioctls\t/p;q' >>"$LINES_FILE"
	"$IOMMUCTL" -j --from demo faults watch 2>/dev/null | sed -n 's/^/faults watch\t/p;q' >>"$LINES_FILE"
	"$IOMMUCTL" -j --from demo faultq serve q 2>/dev/null | sed -n 's/^/faultq serve\t/p;q' >>"$LINES_FILE"
	keep usage nosuch
	"${IOMMUCTL%/*}/iommutop" -b -n 1 -j --demo | sed -n 's/^/iommutop\t/p;q' >>"$LINES_FILE"
	run validate
	expect_status 0
	for f in "$SRC"/docs/schema/*.json; do
		f=${f##*/}
		expect_in "$output" "${f%.json}"
	done
}

@test "every command on a machine with hostile names, and on none" {
	local box=$BATS_TEST_TMPDIR/box d=$'sys/bus/pci/devices/0000:01:00.0\e[31m\n\xff'
	mkdir -p "$box/$d" "$box/sys/kernel/iommu_groups/7/devices" "$box/sys/class/iommu/"$'dmar\xff\n'
	put "$box/sys/kernel/iommu_groups/7/type" $'DMA\xff\e[2J'
	link "$box/sys/kernel/iommu_groups/7/devices/"$'x\xff\n' "../../../../../$d"
	every_command "$box"
	mkdir "$BATS_TEST_TMPDIR/empty"
	every_command "$BATS_TEST_TMPDIR/empty"
	every_command "$BATS_TEST_TMPDIR/nothing-at-all"
	validate
}

@test "every command on every fixture machine" {
	local host n=0 ENDS=1 LIST=$BATS_TEST_TMPDIR/list
	[ -d "$SRC/tests/hosts" ] # they are part of the tree: without them this fails
	for host in "$SRC"/tests/hosts/*.snap; do
		has_data "$host"
		: >"$LIST"
		every_command "$host" later
		batched "$host"
		n=$((n + 1))
	done
	[ "$n" -ge 6 ]
	validate
}
