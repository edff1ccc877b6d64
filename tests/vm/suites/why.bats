#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# why.bats: failures made on purpose; iommuctl has to name the function where each was born, the device, and what is wrong.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner
load why

@test "nothing fails: nothing to tell, the command's own status" {
	run -5 --separate-stderr iommuctl why -- sh -c 'exit 5'
	[ "$output" = "no VFIO or iommufd call failed" ]
	run -127 --separate-stderr iommuctl why -- /nosuch/program
	# shellcheck disable=SC2016
	run -143 --separate-stderr iommuctl why -- sh -c 'kill -TERM $$'
}

@test "a sibling on its native driver: EPERM, born where the group is claimed" {
	usual_machine || skip "for a machine where interrupts are isolated and no device has memory of the firmware"
	lab_move $pair
	why sibling owner-hold iommufd "$(owner_node $pair)"
	[ "$(first '[.call, .err, .device, .born_in]')" = "[\"VFIO_DEVICE_BIND_IOMMUFD\",\"EPERM\",\"$pair\",\"iommu_device_claim_dma_owner\"]" ]
	[ "$(first '[.chain[].function] | index("iommufd_device_bind") != null')" = true ]
	[ "$(first '.group')" = "$(lab_group $pair)" ]
	[ "$(first "[.reasons[] | select(.device == \"$second\")] | length > 0")" = true ]
	[ "$(first '.meaning != null')" = true ]
	report_agrees $pair
}

@test "memory mapped where interrupts arrive: EADDRINUSE, born where reserved ranges are set aside" {
	usual_machine || skip "for a machine where interrupts are isolated and no device has memory of the firmware"
	lab_move $alone
	why collide owner-hold collide "$(owner_node $alone)" "$(lab_window $alone)"
	[ "$(first '[.call, .err, .device]')" = "[\"VFIO_DEVICE_ATTACH_IOMMUFD_PT\",\"EADDRINUSE\",\"$alone\"]" ]
	[[ $(first .born_in) == *iopt_* ]]
	[ "$(first '.meaning != null')" = true ]
	report_agrees $alone
}

@test "interrupts that are not isolated: EPERM, born in iommufd" {
	[ "$LAB_TOPOLOGY" = virtio-iommu ] || skip "for a machine with a virtio-iommu"
	lab_move $alone
	why msi owner-hold iommufd "$(owner_node $alone)"
	[ "$(first '[.call, .err, .device, .born_in]')" = "[\"VFIO_DEVICE_BIND_IOMMUFD\",\"EPERM\",\"$alone\",\"iommufd_device_bind\"]" ]
	[[ $(first .meaning) == *"interrupts of the device are not isolated"* ]]
	report_agrees $alone
}

@test "firmware's memory: EINVAL, born where a domain is set" {
	[ "$LAB_TOPOLOGY" = vtd-rmrr ] || skip "for a machine with reserved memory before a device"
	lab_move $alone
	why rmrr owner-hold iommufd "$(owner_node $alone)"
	[ "$(first '[.call, .err, .device, .born_in]')" = "[\"VFIO_DEVICE_BIND_IOMMUFD\",\"EINVAL\",\"$alone\",\"__iommu_device_set_domain\"]" ]
	[[ $(first .meaning) == *"firmware wants memory mapped one to one"* ]]
	report_agrees $alone
}

@test "after more calls than the kernel keeps: the one that failed is told whole" {
	usual_machine || skip "for a machine where interrupts are isolated and no device has memory of the firmware"
	map-loop 1 >/dev/null || skip "this kernel has no selftest device"
	lab_move $pair
	run -1 --separate-stderr iommuctl why -j -- sh -c "map-loop 30000 4096 >/dev/null; owner-hold iommufd $(owner_node $pair)"
	[ "$(first '[.call, .err, .born_in]')" = '["VFIO_DEVICE_BIND_IOMMUFD","EPERM","iommu_device_claim_dma_owner"]' ]
	[ "$(jq '.data | length' <<<"$output")" = 1 ]
	[ "$(jq -c .warnings <<<"$output")" = '[]' ]
}

@test "other processes' failures are not told" {
	usual_machine || skip "for a machine where interrupts are isolated and no device has memory of the firmware"
	lab_move $pair
	local node

	node=$(owner_node $pair)
	(sleep 2; owner-hold iommufd "$node" || :) >/dev/null 3>&- &
	run -0 --separate-stderr iommuctl why -- sleep 5
	[ "$output" = "no VFIO or iommufd call failed" ]
	# a grandchild's are
	run -0 --separate-stderr iommuctl why -j -- sh -c "(owner-hold iommufd $node; true) | cat"
	[ "$(jq '.data | length' <<<"$output")" = 1 ]
}

@test "a storm of processes, and others who trace: they are left alone, and the command has its own status" {
	local t=/sys/kernel/tracing

	mkdir "$t/instances/others"
	echo 'p:others/one do_exit' >>"$t/kprobe_events"
	echo 1 >"$t/instances/others/events/others/one/enable"
	# shellcheck disable=SC2016
	run -9 --separate-stderr iommuctl why -- sh -c 'for i in $(seq 150); do (:) & done; wait; exit 9'
	grep -q 'p:others/one' "$t/kprobe_events"
	[ "$(cat "$t/instances/others/events/others/one/enable")" = 1 ]
	grep -q ' one: ' "$t/instances/others/trace"
	echo 0 >"$t/instances/others/events/others/one/enable"
	rmdir "$t/instances/others"
	echo '-:others/one' >>"$t/kprobe_events"
	[ "$output" = "no VFIO or iommufd call failed" ]
}

@test "nobody can write down what is found: said, and the command has run" {
	run -0 --separate-stderr sh -c "iommuctl why -- touch $BATS_TEST_TMPDIR/ran 2>&1 >/dev/full | grep -c 'No space left'"
	[ "$output" = 1 ]
	[ -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "a kernel that takes no return probes: what stands in the way is said, and the command runs" {
	local t=/sys/kernel/tracing

	mount --bind /dev/full "$t/kprobe_events"
	run -5 --separate-stderr iommuctl why -- sh -c 'exit 5'
	umount "$t/kprobe_events"
	echo "$stderr"
	[[ $stderr == *"kretprobes"* || $stderr == *"probe"*"No space left"* ]]
	# as if there were none at all
	mount -t tmpfs none "$t"
	mount -t tmpfs none /sys/kernel/debug
	run -5 --separate-stderr iommuctl why -- sh -c 'exit 5'
	umount "$t" /sys/kernel/debug
	echo "$stderr"
	[[ $stderr == *"the kernel has no kprobe events"* ]]
	run -5 --separate-stderr iommuctl why -- sh -c 'exit 5'
	[ -z "$stderr" ]
}

@test "without the right to probe: the command runs, and what stands in the way is said" {
	run -5 --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups iommuctl why -- sh -c 'exit 5'
	[[ $stderr == *"only root may set probes"* ]]
}

# as_user CMD: the records of why, as somebody who may not probe; the nodes are his
as_user() {
	chmod 666 /dev/iommu "$@"
	run -1 --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups iommuctl why -j -- owner-hold "$mode" "$@"
	chmod 600 /dev/iommu "$@"
	echo "$output" | jq -c . || echo "$output"
	[[ $stderr == *"only root may set probes"* ]]
}

@test "without the right to probe: the call that fails is seen all the same, and group check tells why" {
	case $LAB_TOPOLOGY in vtd | amd) ;; *) skip "for a machine where interrupts are isolated" ;; esac
	local mode=iommufd

	lab_move $pair
	as_user "$(owner_node $pair)"
	[ "$(first '[.call, .err, .device, .group, .born_in, .chain]')" = \
		"[\"VFIO_DEVICE_BIND_IOMMUFD\",\"EPERM\",\"$pair\",$(lab_group $pair),null,[]]" ]
	[ "$(first "[.reasons[] | select(.device == \"$second\")] | length > 0")" = true ]
}

@test "without the right to probe: what was mapped does not go with the device, as map-check says" {
	case $LAB_TOPOLOGY in vtd | amd) ;; *) skip "for a machine where interrupts are isolated" ;; esac
	local mode=collide

	lab_move $alone
	as_user "$(owner_node $alone)"
	[ "$(first '[.call, .err, .device]')" = "[\"VFIO_DEVICE_ATTACH_IOMMUFD_PT\",\"EADDRINUSE\",\"$alone\"]" ]
	[[ $(first .meaning) == *"what is mapped at 0x"*"does not go with the device"* ]]
	[ "$(first '.reasons | length > 0')" = true ]
}

# born FOLDER: runs its scripts under why; each failure's function and errno, with "known" or "unknown"
born() {
	# shellcheck disable=SC2016
	DEVICE=$alone iommuctl why -j -- sh -c 'for f in /usr/share/conformance/$1/*.iommu; do iommuctl -q batch --keep-going $f; done; true' - "$1" 2>/dev/null |
		jq -r '.data[]? | "\(if .meaning then "known" else "unknown" end) \(.born_in) \(.err) \(.call)"' | sort | uniq -c
}

@test "whatever fails in the scripts of the conformance suite, its birth is in the table" {
	[ "$LAB_TOPOLOGY" = vtd ] || skip "once is enough"
	lab_move $alone
	for folder in any device vtd; do born $folder; done >"$BATS_TEST_TMPDIR/born"
	tee "/share/out/births-$(uname -r)" <"$BATS_TEST_TMPDIR/born"
	grep -q ' known ' "$BATS_TEST_TMPDIR/born"
	! grep ' unknown ' "$BATS_TEST_TMPDIR/born"
}

@test "killed: the next run takes away what it left" {
	iommuctl why -- sleep 60 >/dev/null 2>&1 3>&- &
	local pid=$! tries=200
	until ls /sys/kernel/tracing/instances | grep -q why || [ $((tries -= 1)) -eq 0 ]; do sleep 0.1; done
	sleep 1
	kill -KILL $pid
	wait $pid || :
	[ -n "$(owner_probes)" ]
	run -0 --separate-stderr iommuctl why -- true
	[ -z "$(owner_probes)" ]
}
