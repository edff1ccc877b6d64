# SPDX-License-Identifier: GPL-2.0-or-later
# traces.sh: small recordings of a disk and of a network card at work, strict and lazy, for tests/traces.
#   tests/vm/run -o OUT TOPOLOGY KERNEL traces.sh
# shellcheck shell=bash
load() { :; }
# shellcheck source=tests/vm/suites/lab.bash
. /share/suites/lab.bash

# first DRIVER: the first device on it that is in a group
first() {
	local d

	for d in "/sys/bus/pci/drivers/$1"/0000:*; do
		[ -e "$d/iommu_group" ] && basename "$d" && return
	done
	return 1
}

# record NAME DRIVER TYPE COMMAND...: its only group's type is TYPE meanwhile
record() {
	local name=$1 driver=$2 type=$3 dev

	shift 3
	dev=$(first "$driver") || return 0
	echo "$dev" >"/sys/bus/pci/drivers/$driver/unbind"
	iommuctl -q group set-type "$(lab_group "$dev")" "$type" || echo "$name: type $type refused" >&2
	echo "$dev" >"/sys/bus/pci/drivers/$driver/bind"
	sleep 1
	dev=$dev iommuctl trace record "/share/out/$name.trace" -- "$@"
}

for mode in strict:DMA lazy:DMA-FQ; do
	record "nvme-${mode%:*}" nvme "${mode#*:}" dd if=/dev/nvme0n1 of=/dev/null bs=4k count=8 iflag=direct
	for driver in e1000e e1000; do
		# shellcheck disable=SC2016 # the card of that name, up and down again
		record "$driver-${mode%:*}" $driver "${mode#*:}" sh -c 'i=$(ls "/sys/bus/pci/devices/$dev/net"); ip link set "$i" up; sleep 1; ip link set "$i" down'
	done
done
ls -la /share/out
