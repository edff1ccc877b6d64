#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# metrics: what it says of a machine, and the file that it writes. Prometheus itself reads it in metrics-prometheus.bats.
load lib

setup() {
	F=$BATS_TEST_TMPDIR/out.prom
	TRACES=${BATS_TEST_DIRNAME%/cli}/traces
}

# value FILE SAMPLE: the number behind a sample, written as it stands in the text
value() {
	awk -v s="$2 " 'index($0, s) == 1 { print substr($0, length(s) + 1) }' "$1"
}

# expect_value FILE SAMPLE NUMBER
expect_value() {
	local got
	got=$(value "$1" "$2")
	[ "$got" = "$3" ] && return
	printf '%s is "%s" instead of "%s"\n' "$2" "$got" "$3" >&2
	return 1
}

# one PCI device in group 1, and a log
small_machine() {
	T=$BATS_TEST_TMPDIR/machine
	machine "$T" <<-TABLE
		0000:00:03.0 group=1 driver=e1000e
	TABLE
	[ -d "$T/sys" ]
}

@test "the text format: HELP and TYPE once for each name, counters end in _total, nothing else does, no timestamps" {
	"$IOMMUCTL" --demo metrics >"$F"
	awk '
		/^# HELP / { if (help[$3]++) bad("HELP twice"); if (NF < 4) bad("HELP is empty"); next }
		/^# TYPE / { if (type[$3]) bad("TYPE twice"); type[$3] = $4; if (!help[$3]) bad("no HELP");
			     if (($4 == "counter") != ($3 ~ /_total$/)) bad("name does not fit type"); next }
		{ name = $0; sub(/[{ ].*/, "", name)
		  if (!type[name]) bad("no TYPE")
		  if (seen[last] && name != last && seen[name]) bad("not together")
		  seen[name] = 1; last = name
		  if ($0 !~ /^[a-z_]+({[a-z_]+="[^\n]*"})? -?[0-9]+$/) bad("not a sample") }
		function bad(why) { print why ": " $0; failed = 1 }
		END { exit failed || NR < 100 }' "$F"
}

@test "promtool has no complaint, on the sample machine and on captured ones" {
	local h
	command -v promtool || skip "SKIPPED: promtool (Debian: prometheus) is not installed, so the format is not checked by its own tool"
	"$IOMMUCTL" --demo metrics | promtool check metrics
	for h in "${BATS_TEST_DIRNAME%/cli}"/hosts/*.snap; do
		"$IOMMUCTL" -q --from "$h" metrics >"$F"
		run promtool check metrics <"$F"
		[ "$status" -eq 0 ] && [ -z "$output" ] || {
			echo "$h: $output" >&2
			return 1
		}
	done
}

@test "the numbers are those of the other commands" {
	local driver verdict
	"$IOMMUCTL" --demo metrics >"$F"
	run_ctl -j --demo group list
	for verdict in ready needs-bind blocked in-use nothing-to-give unknown; do
		expect_value "$F" "iommu_groups{verdict=\"$verdict\"}" "$(json "[.data[] | select(.verdict == \"$verdict\")] | length")"
	done
	for driver in nvme vfio-pci pcieport; do
		expect_value "$F" "iommu_devices{driver=\"$driver\",bus=\"pci\"}" \
			"$(json "[.data[].devices[] | select(.driver == \"$driver\")] | length")"
	done
	expect_value "$F" 'iommu_devices{driver="none",bus="pci"}' "$(json '[.data[].devices[] | select(.driver == null)] | length')"
	run_ctl -j --demo iommu show dmar0
	expect_value "$F" 'iommu_unit_devices{unit="dmar0"}' "$(json '.data[0].devices | length')"
	expect_value "$F" 'iommu_unit_domains_used{unit="dmar0"}' "$(json '.data[0].domains_used')"
	run_ctl -j --demo owner list
	expect_value "$F" 'iommu_group_owners{group="5"}' "$(json '.data[] | select(.group == 5) | .owner_cnt')"
	expect_value "$F" 'iommu_group_owners_surplus{group="5"}' "$(json '.data[] | select(.group == 5) | .owner_cnt - .expected')"
	expect_value "$F" 'iommu_groups_by_owners{verdict="as-expected"}' "$(json '[.data[] | select(.verdict == "as-expected")] | length')"
	run_ctl -j --demo group show 12
	expect_in "$(<"$F")" "iommu_group_holders{group=\"12\",command=\"$(json '.data[0].holders[0].command')\"*} 1"
}

@test "a leaked count is a surplus" {
	run_ctl --demo --inject leak=9 metrics
	expect_status 0
	printf '%s\n' "$output" >"$F"
	run_ctl -j --demo --inject leak=9 owner check
	[ "$(json '[.data[] | select(.verdict == "surplus")] | length')" -gt 0 ]
	expect_value "$F" 'iommu_groups_by_owners{verdict="surplus"}' "$(json '[.data[] | select(.verdict == "surplus")] | length')"
	expect_value "$F" "iommu_group_owners_surplus{group=\"$(json '[.data[] | select(.verdict == "surplus")][0].group')\"}" 1
}

@test "what cannot be read is absent, and a gauge says why" {
	small_machine
	"$IOMMUCTL" -q --from "$T" metrics >"$F"
	expect_value "$F" 'iommuctl_collector_success{collector="groups"}' 1
	expect_value "$F" 'iommuctl_collector_success{collector="owners"}' 0
	expect_in "$(<"$F")" 'iommuctl_collector_failure_info{collector="owners",code="*",error="ENOTCAPTURED",reason="*"} 1'
	expect_not_in "$(<"$F")" iommu_group_owners iommu_groups_by_owners iommu_faults_total iommu_interrupts_total
	run_ctl -q -j --from "$T" metrics
	expect_json '.data[] | select(.name == "iommu_group_owners") | .samples' null
	expect_json '.data[] | select(.name == "iommu_groups") | [.samples[].value] | add' 1
}

@test "faults by device and kind, of a log of any form" {
	small_machine
	cp "$TRACES/vtd.txt" "$T/dmesg.txt"
	"$IOMMUCTL" -q --from "$T" metrics >"$F"
	run_ctl -q -j --from "$T" faults decode
	for kind in dma interrupt invalidation command; do
		expect_value "$F" "iommu_faults_total{kind=\"$kind\"}" "$(json "[.data[] | select(.kind == \"$kind\") | .count] | add // 0")"
	done
	expect_value "$F" 'iommu_device_faults_total{device="0000:02:00.0",kind="dma"}' \
		"$(json '[.data[] | select(.device == "0000:02:00.0" and .kind == "dma") | .count] | add')"
	expect_value "$F" 'iommuctl_collector_success{collector="faults"}' 1
	expect_not_in "$(<"$F")" iommuctl_kernel_log_lost_records_total
}

@test "messages that the kernel left out are counted" {
	small_machine
	printf '%s\n' '[    1.000000] dmar_fault: 12 callbacks suppressed' '[    2.000000] amd_iommu_report_page_fault: 30 callbacks suppressed' \
		'[    3.000000] net_ratelimit: 5 callbacks suppressed' >"$T/dmesg.txt"
	"$IOMMUCTL" -q --from "$T" metrics >"$F"
	expect_value "$F" iommu_fault_messages_suppressed_total 42
	expect_value "$F" 'iommu_faults_total{kind="dma"}' 0
}

@test "names with quotes, backslashes, newlines and escape codes stay inside their label" {
	small_machine
	local d=$T/sys/bus/pci/drivers name
	name=$'od"d\\dri\e[31m\xffver'
	mkdir -p "$d/$name"
	ln -sfn "../../../bus/pci/drivers/$name" "$T/sys/devices/pci0000:00/0000:00:03.0/driver"
	"$IOMMUCTL" -q --from "$T" metrics >"$F"
	expect_value "$F" 'iommu_devices{driver="od\"d\\dri\\x1b[31m\\xffver",bus="pci"}' 1 ||
		grep -F 'iommu_devices{' "$F" >&2
	run grep -c $'\e' "$F"
	[ "$output" = 0 ]
	if command -v promtool; then promtool check metrics <"$F"; fi
}

@test "--totals leaves groups and devices out, and sums stay" {
	"$IOMMUCTL" --demo metrics >"$F"
	"$IOMMUCTL" --demo metrics --totals >"$F.sums"
	expect_not_in "$(<"$F.sums")" 'group="' 'device="'
	[ "$(wc -l <"$F.sums")" -lt $(($(wc -l <"$F") / 2)) ]
	diff <(grep -E '^iommu_(groups|devices|faults|units)' "$F") <(grep -E '^iommu_(groups|devices|faults|units)' "$F.sums")
}

@test "-o replaces the file at once, mode 0644 whatever the umask is, and prints nothing" {
	local inode
	(umask 077 && run_ctl --demo metrics --output "$F" && expect_status 0 && [ -z "$output$stderr" ])
	[ "$(stat -c %a "$F")" = 644 ]
	diff <(tail -n +2 "$F") <("$IOMMUCTL" --demo metrics)
	inode=$(stat -c %i "$F")
	exec 9<"$F"
	"$IOMMUCTL" --demo metrics --totals --output "$F"
	[ "$(stat -c %i "$F")" != "$inode" ]
	# who had it open still reads the old one, whole
	diff <(tail -n +2 <&9) <("$IOMMUCTL" --demo metrics)
	exec 9<&-
	# nothing that node_exporter would read is left beside it
	[ "$(cd "$BATS_TEST_TMPDIR" && find . -name '*.prom')" = ./out.prom ]
	[ ! -e "$BATS_TEST_TMPDIR/.out.prom.new" ]
}

@test "-o follows no symbolic link, replaces none, and overwrites nobody else's file" {
	echo precious >"$BATS_TEST_TMPDIR/precious"
	ln -s precious "$F"
	run_ctl --demo metrics --output "$F"
	expect_status 1
	expect_in "$stderr" "it is a symbolic link"
	[ -L "$F" ] && [ "$(<"$BATS_TEST_TMPDIR/precious")" = precious ]
	run_ctl --demo metrics --output "$BATS_TEST_TMPDIR/precious"
	expect_status 5
	expect_in "$stderr" "not written by iommuctl metrics" "hint:*--force"
	[ "$(<"$BATS_TEST_TMPDIR/precious")" = precious ]
	run_ctl --demo metrics --output "$BATS_TEST_TMPDIR/precious" --force
	expect_status 0
	expect_in "$(<"$BATS_TEST_TMPDIR/precious")" iommu_groups
	# what stands where the new file is made is removed, not written through
	rm "$F"
	echo precious >"$BATS_TEST_TMPDIR/precious"
	ln -s precious "$BATS_TEST_TMPDIR/.out.prom.new"
	"$IOMMUCTL" --demo metrics --output "$F"
	[ "$(<"$BATS_TEST_TMPDIR/precious")" = precious ] && [ ! -L "$F" ]
	# nor is the lock
	ln -sf precious "$BATS_TEST_TMPDIR/.out.prom.lock"
	run_ctl --demo metrics --output "$F"
	expect_status 1
	[ "$(<"$BATS_TEST_TMPDIR/precious")" = precious ]
}

@test "-o that cannot be written is an error that names the place, and the old file stays" {
	"$IOMMUCTL" --demo metrics --output "$F"
	cp "$F" "$F.before"
	run_ctl --demo metrics --output "$BATS_TEST_TMPDIR/nosuch/x.prom"
	expect_status 1
	expect_in "$stderr" "nosuch/x.prom: No such file or directory" "hint:"
	run_ctl --demo metrics --output "$BATS_TEST_TMPDIR"
	expect_status 1
	expect_in "$stderr" "Is a directory"
	run_ctl --demo metrics --output "$BATS_TEST_TMPDIR/"
	expect_status 1
	# full: more than a file may have
	run bash -c "ulimit -f 1; trap '' XFSZ; exec \"\$IOMMUCTL\" --demo metrics --output '$F'"
	[ "$status" -eq 1 ]
	expect_in "$output" "File too large"
	diff "$F" "$F.before"
	[ ! -e "$BATS_TEST_TMPDIR/.out.prom.new" ]
	run_ctl --demo metrics --output ""
	expect_status 2
	run_ctl --demo metrics --output /dev/null
	expect_status 0
	[ -c /dev/null ]
}

@test "--output - is standard output, -j beside --output writes both, and -o is for columns as it is everywhere" {
	diff <("$IOMMUCTL" --demo metrics --output -) <("$IOMMUCTL" --demo metrics)
	run_ctl --demo -j metrics --output "$F"
	expect_status 0
	expect_json '.schema' iommuctl.metrics/1
	[ "$(json '[.data[] | select(.name == "iommu_groups")][0].samples | length')" = 6 ]
	expect_value "$F" 'iommu_groups{verdict="ready"}' "$(json '.data[] | select(.name == "iommu_groups").samples[] | select(.labels[0].value == "ready").value')"
	run_ctl --demo -j metrics -o name,type
	expect_json '.data[0] | keys | join(",")' name,type
	run_ctl --demo --raw --noheadings metrics -o name
	[ "${lines[0]}" = iommuctl_build_info ]
	for word in "$F" - iommu.prom; do
		run_ctl --demo metrics -o "$word"
		expect_status 2
		expect_in "$stderr" "-o selects columns" "hint: --output $word"
	done
}

# What is counted comes from the kernel's log of this machine, if we may read it; the rest is the same without.
@test "fault totals are kept in the file and never go back" {
	local state='{"version":1,"boot_id":"another","next":900,"lost":7,"suppressed":3,"counted":[899],"faults":[{"device":"0000:99:00.0","kind":"dma","count":41}]}'
	printf '# iommuctl metrics %s\n' "$state" >"$F"
	for _ in 1 2 3; do
		"$IOMMUCTL" -q metrics --output "$F"
		expect_value "$F" 'iommu_device_faults_total{device="0000:99:00.0",kind="dma"}' 41
		[ "$(value "$F" 'iommu_faults_total{kind="dma"}')" -ge 41 ]
		[ "$(value "$F" iommu_fault_messages_suppressed_total)" -ge 3 ]
	done
	head -n 1 "$F" | sed 's/^# iommuctl metrics //' | jq -e '.version == 1 and .lost >= 7'
}

@test "a log that cannot be read takes nothing away from the totals, and is said" {
	unshare -rm true 2>/dev/null || skip "SKIPPED: no user and mount namespaces here, so a machine without /dev/kmsg is not tried"
	printf '# iommuctl metrics %s\n' '{"version":1,"boot_id":"a","next":9,"lost":7,"suppressed":3,"counted":[],"faults":[{"device":"x","kind":"dma","count":41}]}' >"$F"
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare -rm sh -c 'mount -t tmpfs none /dev && exec "$0" -q metrics --output "$1"' "$IOMMUCTL" "$F"
	expect_value "$F" 'iommu_device_faults_total{device="x",kind="dma"}' 41
	expect_value "$F" 'iommu_faults_total{kind="dma"}' 41
	expect_value "$F" iommu_fault_messages_suppressed_total 3
	expect_value "$F" 'iommuctl_collector_success{collector="faults"}' 0
	expect_in "$(<"$F")" 'iommuctl_collector_failure_info{collector="faults",code="no-kernel-log",error="ENOENT"'
	head -n 1 "$F" | sed 's/^# iommuctl metrics //' | jq -e '.next == 9 and .lost == 7 and .faults[0].count == 41'
}

@test "a damaged file begins anew and says so; of a snapshot nothing is kept" {
	printf '# iommuctl metrics {"version":1,"nex' >"$F"
	run_ctl metrics --output "$F"
	expect_status 0
	expect_in "$stderr" "the fault totals in $F cannot be read"
	expect_value "$F" 'iommuctl_scrape_notes{level="warning",code="bad-state"}' 1
	printf '# iommuctl metrics %s\n' '{"version":1,"boot_id":"a","next":9,"lost":0,"suppressed":0,"counted":[],"faults":[{"device":"x","kind":"dma","count":41}]}' >"$F"
	"$IOMMUCTL" --demo metrics --output "$F"
	expect_not_in "$(<"$F")" 'device="x"'
	[ "$(head -n 1 "$F")" = "# iommuctl metrics" ]
}

@test "runs at the same time wait for each other" {
	local i pids=()
	printf '# iommuctl metrics %s\n' '{"version":1,"boot_id":"a","next":9,"lost":0,"suppressed":0,"counted":[],"faults":[{"device":"x","kind":"dma","count":41}]}' >"$F"
	for i in 1 2 3 4; do
		"$IOMMUCTL" -q metrics --output "$F" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	expect_value "$F" 'iommu_device_faults_total{device="x",kind="dma"}' 41
	# who holds the lock keeps others out
	(
		flock 8
		run timeout 2 "$IOMMUCTL" -q metrics --output "$F"
		[ "$status" -eq 124 ]
	) 8>"$BATS_TEST_TMPDIR/.out.prom.lock"
}

@test "in a batch, and offered by completion" {
	run bash -c "echo metrics --totals | \"\$IOMMUCTL\" --demo batch -"
	[ "$status" -eq 0 ]
	expect_in "$output" 'iommu_groups{verdict="ready"} 1'
	run_ctl __complete -- met
	expect_in "$output" metrics
	touch "$BATS_TEST_TMPDIR/file-here"
	cd "$BATS_TEST_TMPDIR"
	run_ctl __complete -- metrics --output "fi"
	expect_not_in "$output" family
	run_ctl __complete -- metrics --t
	expect_in "$output" "--totals"
}
