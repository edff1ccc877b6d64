#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # of lab.bash and top.bash
# iommutop on a real kernel: what it says against sysfs and the other commands, rates while there is work, and how soon it sees what
# changes.

setup() {
	load lab
	load owner
	load top
	top_begin
}

teardown() {
	top_end
	iommuctl session stop top 2>/dev/null || true
	lab_release
}

@test "groups, domains, devices and units are those of sysfs and of the other commands" {
	iommutop -b -j -n 1 --view groups,domains,devices,units >"$log"
	diff <(sample 1 '.groups[] | "\(.group) \(.type) \(.devices | sort | join(" "))"' | tr -d '"') \
		<(for g in $(lab_groups); do
			echo "$g $(cat "$groups/$g/type") $(cd "$groups/$g/devices" && echo *)"
		done)
	diff <(sample 1 '.groups[] | [.group, .owner, .owner_cnt, .expected, .domain]') \
		<(iommuctl -j owner list | jq -c '.data[] | [.group, .owner, .owner_cnt, .expected, .domain.type]')
	# every group is on exactly one domain, and every device behind it too
	[ "$(sample 1 '[.domains[].groups[] | tonumber] | sort')" = "$(lab_groups | jq -sc .)" ]
	[ "$(sample 1 '[.domains[].n_devices] | add')" = "$(printf '%s\n' "$groups"/*/devices/* | wc -l)" ]
	[ "$(sample 1 '.domains[0] | [.type, .made_by]')" = '["DMA","dma-api"]' ]
	[ "$(sample 1 '[.unit_rows[].unit]')" = "$(printf '%s\n' /sys/class/iommu/* | jq -Rnc '[inputs | sub(".*/"; "")]')" ]
	# only VT-d counts them itself
	used=$(cat "/sys/class/iommu/$(lab_unit)/intel-iommu/domains_used" 2>/dev/null) || used=null
	[ "$(sample 1 '.unit_rows[0].domains_used')" = "$used" ]
}

@test "nothing is done, and the rates are nought; a disk is read, and they are not" {
	iommutop -b -j -n 3 -d 1 --view units >"$log"
	[ "$(sample 2 '[.maps, .unmaps, .attaches, .faults] | map(. == null) | any')" = false ]
	[ "$(sample 3 '[.attaches, .faults]')" = '[0,0]' ]
	# only Intel's driver has a tracepoint for page requests
	[ "$(sample 3 .requests)" = "$([[ $LAB_TOPOLOGY = vtd* ]] && echo 0 || echo null)" ]
	disk_work
	iommutop -b -j -n 4 -d 1 --view units >"$log"
	kill "$work"
	[ "$(sample 4 '[.maps, .unmaps] | map(. > 10) | all')" = true ]
	# no driver but Intel's tells of invalidations
	[[ $LAB_TOPOLOGY = vtd* ]] || return 0
	[ "$(sample 4 '.invalidations > 10')" = true ]
	# the unit's own rate is all of them: there is one unit
	[ "$(sample 4 '.unit_rows[0].inval_rate > 10')" = true ]
	[ "$(sample 4 '.invalidations - .unit_rows[0].inval_rate')" = 0 ]
}

@test "nothing is left behind: no events on, no probes" {
	iommutop -b -n 2 -d 0.2 --probes >/dev/null
	[ "$(cat /sys/kernel/tracing/events/enable)" = 0 ]
	[ -z "$(cat /sys/kernel/tracing/kprobe_events)" ]
	[ ! -s /sys/kernel/tracing/enabled_functions ] || ! grep -q iommu /sys/kernel/tracing/enabled_functions
}

@test "a driver that goes and comes is seen within two refreshes" {
	local driver
	driver=$(lab_driver "$NIC")
	watch 30 devices
	[ "$(sample 1 ".devices[] | select(.device == \"$NIC\") | .driver")" = "\"$driver\"" ]
	echo "$NIC" >"/sys/bus/pci/drivers/$driver/unbind"
	soon ".devices[] | select(.device == \"$NIC\") | .driver" null
	echo "$NIC" >"/sys/bus/pci/drivers/$driver/bind"
	soon ".devices[] | select(.device == \"$NIC\") | .driver" "\"$driver\""
}

@test "who takes a device and lets it go is seen within two refreshes, with the page table" {
	local g
	g=$(lab_group "$EDU")
	lab_move "$EDU"
	watch 40 groups,domains,sessions
	[ "$(sample 1 ".groups[] | select(.group == $g) | [.verdict, .process]")" = '["ready",null]' ]
	owner_hold iommufd -a "$(owner_node "$EDU")"
	soon ".groups[] | select(.group == $g) | [.verdict, .owner, .process, .pid]" "[\"in-use\",\"iommufd\",\"owner-hold\",$holder]"
	[ "$(sample "$(samples)" ".domains[] | select(.groups == [\"$g\"]) | [.made_by, .process, (.hwpt > 0)]")" = '["iommufd","owner-hold",true]' ]
	[ "$(sample "$(samples)" ".sessions[] | select(.device == \"$EDU\") | [.process, .pid, .group]")" = "[\"owner-hold\",$holder,$g]" ]
	lab_release
	soon ".groups[] | select(.group == $g) | [.verdict, .process]" '["ready",null]'
	lab_return "$EDU"
}

@test "a session attaches a device, and replaces its page table: each within two refreshes" {
	local g one two
	g=$(lab_group "$EDU")
	lab_move "$EDU"
	watch 60 domains,sessions
	iommuctl session start top
	export IOMMUCTL_SESSION=top
	iommuctl device open "$EDU" as nic
	iommuctl ioas alloc as mem
	iommuctl hwpt alloc mem --device nic as one
	iommuctl hwpt alloc mem --device nic as two
	one=$(iommuctl -j object tree | jq '.data[] | select(.name == "one") | .id')
	two=$(iommuctl -j object tree | jq '.data[] | select(.name == "two") | .id')
	iommuctl device attach nic one
	soon "[.domains[] | select(.groups == [\"$g\"]) | .made_by, .hwpt]" "[\"iommufd\",$one]"
	iommuctl device attach nic two
	soon "[.domains[] | select(.groups == [\"$g\"]) | .made_by, .hwpt]" "[\"iommufd\",$two]"
	iommuctl session stop top
	lab_return "$EDU"
}

@test "a fault is seen within two refreshes, with its device" {
	[[ $LAB_TOPOLOGY != amd* && $LAB_TOPOLOGY != virtio-iommu* ]] || skip "QEMU's unit reports nothing for a stray access"
	lab_move "$EDU"
	watch 30 devices,faults,units
	edu-dma "$EDU" read 0xdeaf000
	soon ".devices[] | select(.device == \"$EDU\") | .faults >= 1" true
	# an SMMU reports each word: later addresses may be in it, too
	[ "$(sample "$(samples)" "[.fault_lines[] | select(.device == \"$EDU\" and .address == \"0xdeaf000\") | .access] | unique")" = '["read"]' ]
	# in one of the samples it is a rate
	[ "$(sed 1d "$log" | jq -c "select(.devices) | .devices[] | select(.device == \"$EDU\") | .fault_rate" | sort -n | tail -1)" -ge 1 ]
	[ "$(sed 1d "$log" | jq -c 'select(.faults) | .faults' | sort -n | tail -1)" -ge 1 ]
	lab_return "$EDU"
}

@test "without rights: what cannot be counted is null, and the screen says why" {
	local restrict
	restrict=$(cat /proc/sys/kernel/dmesg_restrict)
	echo 1 >/proc/sys/kernel/dmesg_restrict
	setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all iommutop -b -j -n 2 -d 0.2 >"$log"
	[ "$(sample 2 '[.maps, .invalidations, .faults, (.groups | length > 0), (.groups[0].domain)]')" = '[null,null,null,true,null]' ]
	run setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all iommutop --frame 120x30 --keys 6
	[[ $output == *'dashes: counting tracepoints needs root'* ]]
	run setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all iommutop --frame 120x30 --keys 5
	[[ $output == *'the kernel log cannot be read'* ]]
	echo "$restrict" >/proc/sys/kernel/dmesg_restrict
}

# rtnetlink says so: nothing else is looked at again for it
@test "an interface that is switched on, carries the default route, is switched off: each shows within two refreshes" {
	local name net='.devices[] | select(.device == "'$NIC'") | .network'

	name=$(basename "$devices/$NIC"/net/*)
	ip link set "$name" down
	watch 60 devices
	[ "$(sample 1 "$net")" = "\"$name down\"" ]
	ip link set "$name" up
	soon "$net | test(\"^$name (up|no carrier)$\")" true
	ip addr add 192.0.2.1/24 dev "$name"
	ip route add default via 192.0.2.254 dev "$name"
	soon "$net | endswith(\" default\")" true
	ip link set "$name" down
	soon "$net" "\"$name down\""
	ip addr flush dev "$name"
}
