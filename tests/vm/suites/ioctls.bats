#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ioctls.bats: what iommuctl sees of the calls of our own small VFIO clients, against what these were told by the kernel.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

# a device in a group of its own, and two functions of one group
alone=0000:01:00.0 pair=0000:05:00.0 second=0000:05:00.1

setup() {
	holder=''
	out=$BATS_TEST_TMPDIR/out
}

teardown() {
	lab_give_back e1000e "$alone" "$pair" "$second"
}

# calls FILTER: jq over the records in $out
calls() {
	jq -c -s "[.[] | select(.call != null)] | $1" "$out"
}

@test "iommufd: every call, in order, with the ids that the ioctls returned" {
	lab_move $alone
	run -143 --separate-stderr iommuctl ioctls -j -- timeout 8 owner-hold objects "$(owner_node $alone)"
	echo "$output" >"$out"
	echo "$stderr" >"$BATS_TEST_TMPDIR/hold"
	[ "$(calls '[.[].call]')" = \
		'["IOMMU_IOAS_ALLOC","IOMMU_IOAS_ALLOC","VFIO_DEVICE_BIND_IOMMUFD","IOMMU_HWPT_ALLOC","VFIO_DEVICE_ATTACH_IOMMUFD_PT"]' ]
	[ "$(calls '[.[] | [.on, .name]] | unique')" = "[[\"device\",\"$alone\"],[\"iommufd\",null]]" ]
	[ "$(calls '[.[].values[] | select(.name == "out_ioas_id") | .value]')" = "[\"$(owner_id ioas 1)\",\"$(owner_id ioas 2)\"]" ]
	[ "$(calls '[.[].values[] | select(.name == "out_hwpt_id" or .name == "out_devid") | .value]')" = "[\"$(owner_id device)\",\"$(owner_id hwpt-paging)\"]" ]
	# objects have names, also where a device's own call speaks of them
	[ "$(calls '.[4].values[0:2] | map([.name, .word])')" = "[[\"flags\",\"0x0\"],[\"pt_id\",\"hwpt4\"]]" ]
	[ "$(calls '[.[] | .err] | unique')" = '[null]' ]
}

@test "as text: one line a call" {
	lab_move $alone
	run -143 --separate-stderr iommuctl ioctls -- timeout 8 owner-hold objects "$(owner_node $alone)"
	[[ $stderr == *"IOMMU_IOAS_ALLOC flags=0x0 -> 0 out_ioas_id=1(ioas1)"* ]]
	[[ $stderr == *"device $alone("*") VFIO_DEVICE_ATTACH_IOMMUFD_PT flags=0x0 pt_id="*"(hwpt4)"* ]]
	[[ $stderr == *"5 calls, 0 failed"* ]]
	echo "$stderr" >"/share/out/ioctls-$(uname -r)"
}

@test "a call that fails has its errno, and the batch expects it" {
	lab_move $pair # its other function stays with the kernel
	run -1 --separate-stderr iommuctl ioctls -j --batch "$BATS_TEST_TMPDIR/b" -- sh -c 'sleep 0.2; exec owner-hold iommufd "$1"' - "$(owner_node $pair)"
	echo "$output" >"$out"
	[ "$(calls 'all(.[]; .time_us >= 200000)')" = true ] # from the start of the watching on
	[ "$(calls '[.[] | [.call, .err]]')" = '[["IOMMU_IOAS_ALLOC",null],["VFIO_DEVICE_BIND_IOMMUFD","EPERM"]]' ]
	cat "$BATS_TEST_TMPDIR/b"
	[ "$(grep -v '^#' "$BATS_TEST_TMPDIR/b")" = "ioas alloc as ioas1
expect EPERM device open $pair" ]
	run -0 iommuctl batch "$BATS_TEST_TMPDIR/b"
	run -0 iommuctl -M batch "$BATS_TEST_TMPDIR/b"
}

@test "a batch of all steps" {
	lab_move $alone
	run -143 --separate-stderr iommuctl ioctls --batch "$BATS_TEST_TMPDIR/b" -- timeout 8 owner-hold objects "$(owner_node $alone)"
	cat "$BATS_TEST_TMPDIR/b"
	[ "$(grep -v '^#' "$BATS_TEST_TMPDIR/b")" = "ioas alloc as ioas1
ioas alloc as ioas2
device open $alone as dev3
hwpt alloc ioas1 --device dev3 as hwpt4
device attach dev3 hwpt4" ]
	cp "$BATS_TEST_TMPDIR/b" /share/out/ioctls.batch
	# it makes the same of the kernel, and of the model
	run -0 iommuctl batch "$BATS_TEST_TMPDIR/b"
	run -0 iommuctl -M batch "$BATS_TEST_TMPDIR/b"
}

@test "by container and group: a device's descriptor has its device's name" {
	local g

	g=$(lab_group $alone)
	lab_move $alone
	run -0 --separate-stderr iommuctl ioctls -j -- vfio-truth legacy "$g"
	echo "$output" >"$out"
	[ "$(calls '[.[] | select(.on == "group") | .name] | unique')" = "[\"$g\"]" ]
	[ "$(calls '[.[].call] | index("VFIO_GROUP_SET_CONTAINER") != null and index("VFIO_SET_IOMMU") != null')" = true ]
	[ "$(calls '[.[] | select(.call == "VFIO_SET_IOMMU") | .values[0].word]')" = '["type1v2"]' ]
}

@test "a process that runs already, across its exec; and it goes on when we have gone" {
	lab_move $alone
	sh -c "sleep 2; exec owner-hold objects $(owner_node $alone)" >"$BATS_TEST_TMPDIR/hold" 3>&- &
	holder=$!
	run -0 --separate-stderr iommuctl ioctls -p $holder -d 8 -j
	echo "$output" >"$out"
	[ "$(calls 'length')" = 5 ]
	[ "$(calls '[.[].pid] | unique')" = "[$holder]" ]
	kill -0 $holder
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/hold")" = held ]
}

@test "a descriptor that came over a socket from somebody who is not watched: known by its device number" {
	pass-fd give "$BATS_TEST_TMPDIR/s" /dev/iommu >"$BATS_TEST_TMPDIR/give" 3>&- &
	local giver=$! tries=100
	until [ -s "$BATS_TEST_TMPDIR/give" ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.1; done
	run -0 --separate-stderr iommuctl ioctls -j --batch "$BATS_TEST_TMPDIR/b" -- pass-fd take "$BATS_TEST_TMPDIR/s"
	wait $giver
	echo "$output" >"$out"
	[ "$(calls '[.[] | [.on, .call, .err]]')" = '[["iommufd","IOMMU_IOAS_ALLOC",null],["iommufd","IOMMU_DESTROY","ENOENT"]]' ]
	grep -qx 'ioas alloc as ioas1' "$BATS_TEST_TMPDIR/b"
}

@test "a set-user-ID program: with its rights when root watches, told when it has none" {
	# /root is nobody's but root's; the program is in a place that all can search
	cp "$(command -v pass-fd)" /usr/bin/pass-fd-suid
	chmod 4755 /usr/bin/pass-fd-suid
	chmod 600 /dev/iommu
	run -0 --separate-stderr iommuctl ioctls -j -- setpriv --reuid 1000 --regid 1000 --clear-groups pass-fd-suid open /dev/iommu
	echo "$output" >"$out"
	[ "$(calls '[.[].call]')" = '["IOMMU_IOAS_ALLOC","IOMMU_DESTROY"]' ]
	run -3 --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups iommuctl ioctls -- pass-fd-suid open /dev/iommu
	[[ $stderr == *"pass-fd-suid: its set-user-ID bit has no effect while it is watched"* ]]
	[[ $stderr == *"0 calls, 0 failed"* ]]
	# why does not trace it: it has its rights, and its failure is told
	run -0 --separate-stderr iommuctl why -j -- setpriv --reuid 1000 --regid 1000 --clear-groups pass-fd-suid open /dev/iommu
	jq -c '.data[]' <<<"$output"
	[ "$(jq -c '[.data[] | [.call, .err, .task]]' <<<"$output")" = '[["IOMMU_DESTROY","ENOENT","pass-fd-suid"]]' ]
	rm /usr/bin/pass-fd-suid
}

# the rights without which the kernel takes no BPF program; ptrace needs others
without_bpf() {
	setpriv --bounding-set=-bpf,-perfmon,-sys_admin --inh-caps=-all "$@"
}

# bpf PID: how many BPF programs it has
bpf() {
	# shellcheck disable=SC2012
	ls -l "/proc/$1/fd" | grep -c bpf-prog
}

@test "by BPF programs where the kernel takes them, by ptrace where not: the same calls" {
	lab_move $alone
	run -143 --separate-stderr iommuctl ioctls -j --batch "$BATS_TEST_TMPDIR/b" -- timeout 8 owner-hold objects "$(owner_node $alone)"
	echo "$output" >"$out"
	calls '[.[] | del(.time_us, .took_us, .pid, .tid)]' >"$BATS_TEST_TMPDIR/bpf"
	[ "$(calls 'length')" = 5 ]
	run -143 --separate-stderr without_bpf iommuctl ioctls -j --batch "$BATS_TEST_TMPDIR/b2" -- timeout 8 owner-hold objects "$(owner_node $alone)"
	echo "$output" >"$out"
	calls '[.[] | del(.time_us, .took_us, .pid, .tid)]' | diff "$BATS_TEST_TMPDIR/bpf" -
	diff "$BATS_TEST_TMPDIR/b" "$BATS_TEST_TMPDIR/b2"
	# and which was which
	iommuctl ioctls -- sleep 2 2>/dev/null 3>&- &
	holder=$!
	sleep 1
	[ "$(bpf $holder)" -ge 2 ]
	wait $holder
	without_bpf iommuctl ioctls -- sleep 2 2>/dev/null 3>&- &
	holder=$!
	sleep 1
	[ "$(bpf $holder)" = 0 ]
	wait $holder
	holder=''
}

@test "100,000 maps and unmaps: each is told, in order, and the batch has them all" {
	map-loop 1 >/dev/null || skip "no selftest device here: it wants IOMMUFD_TEST, and before 6.18 a machine without an IOMMU"
	run -0 --separate-stderr iommuctl ioctls --batch "$BATS_TEST_TMPDIR/b" -- map-loop 50000
	[ "${stderr##*$'\n'}" = "100002 calls, 0 failed" ]
	[ "$(grep -c '^ioas map ' "$BATS_TEST_TMPDIR/b")" = 50000 ]
	# a map is followed by its unmap
	[ "$(grep '^ioas [mu]' "$BATS_TEST_TMPDIR/b" | awk '{ w = NR % 2 ? "map" : "unmap"; n += $2 != w } END { print n + 0 }')" = 0 ]
}

@test "two programs at once, and one that is watched for a while only" {
	map-loop 1 >/dev/null || skip "no selftest device here: it wants IOMMUFD_TEST, and before 6.18 a machine without an IOMMU"
	run -0 --separate-stderr iommuctl ioctls -- sh -c 'map-loop 3000 & map-loop 3000; wait'
	[ "${stderr##*$'\n'}" = "12004 calls, 0 failed" ]
	map-loop 100000000 >/dev/null 3>&- &
	holder=$!
	run -0 --separate-stderr iommuctl ioctls -p $holder -d 1
	[[ ${lines[-1]} == *" calls, 0 failed" ]]
	[ "${lines[-1]%% *}" -gt 100 ]
	kill -0 $holder
}
