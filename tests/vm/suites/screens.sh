# SPDX-License-Identifier: GPL-2.0-or-later
# The screens of docs/screens, of a machine at work: tests/vm/run -o OUT vtd 7.2-iommufd screens.sh; what is in OUT/screens goes there.
# shellcheck shell=bash disable=SC2154
# shellcheck source-path=SCRIPTDIR source=lab.bash
set -eu
. /share/suites/lab.bash
# shellcheck source=owner.bash
. /share/suites/owner.bash

edu=0000:02:00.0
held=0000:01:00.0
pair=0000:04:00.0
out=/share/out/screens
mkdir -p "$out"

lab_move $edu
lab_move $held
lab_move $pair
owner-hold objects "$(owner_node $held)" >/tmp/hold &
holder=$!
for _ in $(seq 100); do
	! grep -qs held /tmp/hold || break
	sleep 0.1
done
grep held /tmp/hold
iommuctl session start guest
export IOMMUCTL_SESSION=guest
iommuctl device open $pair as nic
iommuctl ioas alloc as ram
iommuctl ioas map ram 64M --iova 0x10000000
iommuctl hwpt alloc ram --device nic as table
iommuctl device attach nic table
disk=$(basename "$devices/0000:03:00.0/nvme"/nvme*/nvme*n*)
while :; do
	dd "if=/dev/$disk" of=/dev/null bs=64k count=$((RANDOM % 300 + 20)) iflag=direct 2>/dev/null
	sleep "0.$((RANDOM % 6))"
done &
work=$!
while :; do
	sleep 3
	edu-dma $edu read 0xdead000 write 0xbeef000
done &
faults=$!

# screen NAME KEYS [COLUMNS]
screen() {
	LC_ALL=C.UTF-8 iommutop --frame "${3:-118}x32" -n 24 -d 0.4 --keys "$2" --svg "$out/$1.svg" >"$out/$1.txt"
}

screen groups '/owner-hold<Enter>' &
screen domains '2/owner-hold<Enter>' &
screen devices "3/02:00.0<Enter>" 150 &
screen units 4 &
screen faults 5 &
screen sessions 6 &
wait %4 %5 %6 %7 %8 %9
screen details '/virtio<Enter><Enter>'
kill $work $faults
iommuctl session stop guest
lab_release
