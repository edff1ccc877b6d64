#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions on real devices: descriptors that are handed on, keepers that are killed.
load act

setup() {
	lab_tool
	export IOMMUCTL_SESSION=
	unset IOMMUCTL_SESSION
}

teardown() {
	for s in $(iommuctl --raw --noheadings session list -o session); do
		iommuctl session stop "$s"
	done
	iommuctl device restore --all
}

# the lab's edu device, which makes DMA when it is told to
edu() {
	local d

	for d in "$devices"/*; do
		[ "$(cat "$d/vendor")$(cat "$d/device")" = 0x12340x11e8 ] || continue
		act_lonely "${d##*/}" && echo "${d##*/}" && return
	done
	return 1
}

@test "a keeper on the kernel keeps locked memory and limits of all its privileges, and works with that" {
	dev=$(act_single)
	iommuctl session start one
	pid=$(iommuctl -j session list | jq '.data[] | select(.session == "one") | .pid')
	grep -qx 'NoNewPrivs:	1' "/proc/$pid/status"
	for set in CapEff CapPrm CapBnd; do
		[ $((0x$(sed -n "s/^$set:	//p" "/proc/$pid/status"))) -eq $((1 << 14 | 1 << 24)) ]
	done
	! grep -q '^Seccomp:' /proc/self/status || grep -qx 'Seccomp:	2' "/proc/$pid/status"
	iommuctl device bind "$dev"
	iommuctl --session one device open "$dev" as nic
	iommuctl --session one ioas alloc as mem
	iommuctl --session one device attach nic mem
	iommuctl --session one ioas map mem 1M
}

@test "objects outlive the command that made them, and a device that another session holds is named with it" {
	dev=$(act_single)
	iommuctl session start one
	iommuctl session start two
	iommuctl device bind "$dev"
	iommuctl --session one device open "$dev" as nic
	iommuctl --session one ioas alloc as mem
	iommuctl --session one device attach nic mem
	run iommuctl --session one --raw --noheadings object tree -o name
	[ "$output" = $'mem\nauto1\nnic' ]
	run iommuctl --session two device open "$dev"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"session one has it"* ]]
	# and it cannot be restored while it is held
	run iommuctl device restore "$dev"
	[ "$status" -ne 0 ]
	[ "$(lab_driver "$dev")" = vfio-pci ]
}

@test "a keeper that is killed: the kernel cleans up, and the next command says so" {
	dev=$(act_single)
	iommuctl device bind "$dev"
	iommuctl session start one
	iommuctl --session one device open "$dev"
	kill -9 "$(iommuctl --raw --noheadings session list -o pid)"
	# the kernel closes its files in its own time
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(iommuctl --raw --noheadings session list -o state)" = dead ] && break
		sleep 0.2
	done
	run iommuctl --session one object tree
	[ "$status" -eq 1 ]
	[[ $output == *"its keeper is dead"* ]]
	iommuctl session start one
	iommuctl --session one device open "$dev"
}

@test "exec: a program is handed the descriptors, binds for itself, and does DMA" {
	dev=$(edu)
	iommuctl device bind "$dev"
	iommuctl session start one
	iommuctl --session one device open "$dev" --no-bind as nic
	# with QEMU's arguments, out of which a script takes the numbers
	# shellcheck disable=SC2016
	run iommuctl session exec one -- sh -c '
		iommufd=${2##*fd=} nic=${4##*fd=}
		readlink /proc/self/fd/$iommufd
		readlink /proc/self/fd/$nic
		exec vfio-client "$iommufd" "$nic"
	' sh -object iommufd,id=iommufd0,fd=@iommufd -device vfio-pci,id=hostdev0,iommufd=iommufd0,fd=@nic
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"bind=0"*"attach=0"*"map=0"*"dma=0"* ]]
	[ "${lines[0]}" = /dev/iommu ]
	[[ ${lines[1]} == /dev/vfio/devices/vfio* ]]
}

@test "a device that a program was handed is its own, when the session closes it and when its keeper is gone" {
	local client

	dev=$(edu)
	iommuctl device bind "$dev"
	iommuctl session start one
	iommuctl --session one device open "$dev" --no-bind as nic
	iommuctl session exec one -- vfio-client @iommufd @nic hold >"$BATS_TEST_TMPDIR/client" 3>&- &
	client=$!
	for _ in $(seq 100); do
		grep -q dma= "$BATS_TEST_TMPDIR/client" && break
		sleep 0.1
	done
	iommuctl --session one device close nic
	run iommuctl group check "$dev"
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *in-use*"vfio-client"* ]]
	# neither the session, which has closed it, nor the command that waits for the program has it
	[[ $output != *"iommuctl (pid"* ]]
	kill -9 "$(iommuctl --raw --noheadings session list -o pid)"
	run iommuctl device restore "$dev"
	[ "$status" -eq 1 ]
	[[ $output == *"vfio-client"* ]]
	kill "$(pidof vfio-client)"
	wait "$client" || true
	iommuctl group check "$dev"
	iommuctl session stop one
}

@test "exec refuses a device that the session has bound, and says why" {
	dev=$(edu)
	iommuctl device bind "$dev"
	iommuctl session start one
	iommuctl --session one device open "$dev" as nic
	run iommuctl session exec one -- vfio-client @iommufd @nic
	[ "$status" -eq 1 ]
	[[ $output == *"the session has bound it"*"--no-bind"* ]]
}

@test "EPERM is told apart before and after: a driver of the group, and then none" {
	# shellcheck disable=SC2046
	set -- $(act_pair)
	iommuctl session start one
	iommuctl device bind --force "$1"
	run iommuctl --session one device open "$1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$2"* ]]
	iommuctl device bind "$1" "$2"
	iommuctl --session one device open "$1"
}

@test "a batch on this machine: what it moved stays, its objects do not" {
	dev=$(act_single)
	run iommuctl batch - <<-END
		device bind $dev
		device open $dev as nic
		ioas alloc as mem
		ioas map mem 1M --iova 0x200000
		expect EEXIST ioas map mem 4K --iova 0x200000
		device attach nic mem
		expect EBUSY object destroy mem
	END
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"stays: $dev on vfio-pci; 3 objects are gone" ]]
	[ "$(lab_driver "$dev")" = vfio-pci ]
}

# edu raises its interrupt when its register 0x60 is written, and takes it back by 0x64. Where interrupts are remapped, as here,
# they do not go through the page tables: they come while the device is detached, too.
@test "an interrupt that was armed comes through a replace and a detach, until it is off" {
	local detached='device irq nic wait --timeout 20'

	dev=$(edu)
	# behind an SMMU interrupts are translated like all DMA: none arrives while the device is detached
	[[ $LAB_TOPOLOGY != smmuv3* ]] || detached='expect 3 device irq nic wait --timeout 2'
	iommuctl device bind "$dev"
	run iommuctl batch - <<-END
		device open $dev as nic
		ioas alloc as mem
		device attach nic mem
		device irq nic arm
		device region nic config 4 0x406 --width 2
		device region nic bar0 0x60 1
		device irq nic wait --timeout 20
		device region nic bar0 0x64 1
		ioas alloc as other
		device attach nic other
		device region nic bar0 0x60 2
		device irq nic wait --timeout 20
		device region nic bar0 0x64 2
		device detach nic
		device region nic bar0 0x60 4
		$detached
		expect 3 device irq nic wait --timeout 0.5
		device irq nic off
		device attach nic mem
		expect EINVAL device irq nic arm --vector 4000
	END
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -cx 1 <<<"$output")" -eq $([[ $LAB_TOPOLOGY == smmuv3* ]] && echo 2 || echo 3) ]
}

@test "the legacy way: a group's node, a type1 container, map and unmap" {
	dev=$(act_single)
	iommuctl device bind "$dev"
	run iommuctl batch - <<-END
		device open $dev --legacy as nic
		device map nic 1M 64K
		expect EEXIST device map nic 1M 4K
		object tree --maps --raw --noheadings -o name,maps,detail
		expect EINVAL device map nic 1 4K
		device unmap nic 1M 64K
		device close nic
	END
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"nic 1 type1"*"65536 bytes unmapped"* ]]
}

@test "plan --verify on this machine" {
	dev=$(act_single)
	iommuctl device bind "$dev"
	run iommuctl batch - <<<"plan --verify -j $dev"
	echo "$output"
	[ "$status" -eq 0 ]
	# whether an SMMU nests is known once a device of it is open: a parent is tried there, and may be refused
	grep '^{' <<<"$output" | jq -e '.data[0] | .as_planned and .tables_verified == 1 and
		([.tried[] | select(.done)] | length) == 3 and all(.tried[]; .done or .text == "its IOMMU makes no parents of nested tables")'
}
