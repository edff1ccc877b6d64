#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# group check: the rules through the command line, what is printed, exit codes, foreign and unreadable input.
load lib

# sure: adds to the machine $M what a verdict needs to be certain: isolated interrupts, reserved regions without a
# direct one, kernel rules of today, nobody who holds anything.
sure() {
	local g

	put "$M/proc/interrupts" "           CPU0
  24:          3  IR-PCI-MSIX-0000:01:00.0    0-edge      eth0"
	put "$M/proc/kallsyms" "0000000000000000 T iommu_group_get
0000000000000000 T iommu_device_use_default_domain"
	put "$M/sys/module/kernel/initstate" live
	put "$M/iommuctl/holders.json" '{"complete":true,"unseen":0,"why":null,"held":[]}'
	for g in "$M"/sys/kernel/iommu_groups/*; do
		put "$g/reserved_regions" "0x00000000fee00000 0x00000000feefffff msi"
	done
}

setup() {
	M=$BATS_TEST_TMPDIR/m
}

check() {
	run_ctl --from "$M" group check "$@"
}

# The Z97 board whose group 1 holds two ports, the card, its audio and a wireless card on ath9k.
z97() {
	machine "$M" <<-'END'
		0000:00:00.0 class=060000 group=0
		0000:00:01.0 type=root-port group=1 driver=pcieport
		0000:00:01.0/0000:01:00.0 multi group=1 class=030000 id=1002:6811 driver=vfio-pci
		0000:00:01.0/0000:01:00.1 multi group=1 class=040300 id=1002:aab0 driver=vfio-pci
		0000:00:01.1 type=root-port group=1 driver=pcieport
		0000:00:01.1/0000:02:00.0 group=1 class=028000 id=168c:002e driver=ath9k
		0000:00:1b.0 group=9 class=040300 driver=snd_hda_intel
	END
	sure
}

@test "the one offender is named, ports on pcieport are not" {
	z97
	check 1
	expect_status 3
	[ "${lines[0]}" = "group 1: needs-bind: 0000:02:00.0 (ath9k) must leave its driver first" ]
	expect_in "$output" \
		"the kernel's own answer now: not viable" \
		"problem: 0000:02:00.0 is on ath9k, which uses the kernel's DMA API" \
		"seen in /sys/bus/pci/devices/0000:02:00.0/driver: ath9k" \
		"iommuctl device bind 0000:02:00.0" \
		"0000:00:01.0 (pcieport, which leaves DMA alone)"
	check -j 1
	expect_status 3
	expect_json '.schema' iommuctl.group.check/1
	expect_json '.data[0].offenders | join(" ")' 0000:02:00.0
	expect_json '.data[0].steps | map(.device + ">" + .to) | join(" ")' "0000:02:00.0>vfio-pci"
	expect_json '.data[0].viable' false
	expect_json '.data[0].reasons[0] | .code + " " + .device + " " + .driver' "native-driver 0000:02:00.0 ath9k"
}

@test "--after-bind: 0 when only binds are missing" {
	z97
	check --after-bind 1
	expect_status 0
	expect_in "$output" "with that done, nothing else is in the way"
	put "$M/sys/kernel/iommu_groups/1/reserved_regions" "0x00000000bdf6e000 0x00000000bdf84fff direct"
	check --after-bind 1
	expect_status 3
	expect_in "${lines[0]}" "group 1: blocked:"
}

@test "all root ports in one group with the cards behind them: only cards on drivers offend" {
	machine "$M" <<-'END'
		0000:00:02.0 class=060000 multi group=1
		0000:00:02.2 type=root-port multi group=1 driver=pcieport
		0000:00:02.2/0000:01:00.0 group=1 driver=igb
		0000:00:02.3 type=root-port multi group=1 driver=pcieport
		0000:00:02.3/0000:02:00.0 group=1 driver=igb
		0000:00:02.4 type=root-port multi group=1 driver=pcieport
		0000:00:02.4/0000:03:00.0 group=1 driver=vfio-pci
		0000:00:02.5 type=root-port multi group=1 driver=pcieport
		0000:00:02.5/0000:04:00.0 group=1 class=028000
	END
	sure
	check -j 0000:03:00.0
	expect_status 3
	expect_json '.data[0].device' 0000:03:00.0
	expect_json '.data[0].offenders | join(" ")' "0000:01:00.0 0000:02:00.0"
	expect_json '.data[0].steps[0].command' "iommuctl device bind --group 0000:01:00.0"
}

@test "a dummy host bridge and an internal bridge with their functions" {
	machine "$M" <<-'END'
		0000:00:07.0 class=060000 multi group=7
		0000:00:07.1 type=root-port multi group=7 driver=pcieport
		0000:00:07.1/0000:09:00.0 multi group=7 class=130000
		0000:00:07.1/0000:09:00.2 multi group=7 class=108000 driver=ccp
		0000:00:07.1/0000:09:00.3 multi group=7 class=0c0330 driver=vfio-pci
		0000:40:08.0 class=060000 multi group=23
		0000:40:08.1 type=root-port multi group=23 driver=pcieport
	END
	sure
	check -j 7 23
	expect_status 3
	expect_json '.data[0].offenders | join(" ")' 0000:09:00.2
	expect_json '.data[1].verdict' nothing-to-give
	expect_json '.data[1].viable' true
}

@test "it is the driver that counts: a bridge on shpchp is in the way" {
	machine "$M" <<-'END'
		0000:00:04.0 type=pcie-to-pci group=3 driver=shpchp
		0000:00:04.0/0000:05:01.0 type=pci group=3 driver=vfio-pci
	END
	sure
	check 3
	expect_status 3
	expect_in "$output" "bridge 0000:00:04.0 is on shpchp" "iommuctl device bind --group 0000:05:01.0"
}

@test "a twin with the same ids elsewhere is left alone" {
	machine "$M" <<-'END'
		0000:01:00.0 group=10 driver=e1000e
		0000:02:00.0 group=11 driver=e1000e
	END
	sure
	check 0000:02:00.0
	expect_status 3
	expect_not_in "$output" "0000:01:00.0" "new_id"
}

@test "containers of fsl-mc: bus and names of that bus" {
	machine "$M" <<-'END'
		other fsl-mc sys/devices/platform/soc/dprc.1 group=1 driver=fsl_mc_dprc
		other fsl-mc sys/devices/platform/soc/dprc.1/dpni.0 group=1 driver=fsl_dpaa2_eth
		other fsl-mc sys/devices/platform/soc/dprc.1/dpbp.0 group=1
	END
	sure
	check -j fsl-mc/dpni.0
	expect_status 3
	expect_json '.data[0].offenders | sort | join(" ")' "dpni.0 dprc.1"
	expect_json '.data[0].steps | map(.to) | unique | join(" ")' vfio-fsl-mc
}

# A disk behind a controller that numbers its own domain.
vmd() {
	machine "$M" <<-'END'
		0000:00:0e.0 class=010400 group=4 driver=vmd
		0000:00:0e.0/pci10000:e0/10000:e0:06.0 type=root-port group=4 driver=pcieport
		0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0 class=010802 group=4 driver=nvme
	END
	sure
}

@test "a device behind VMD, in a domain of five digits" {
	vmd
	check -j 10000:e1:00.0
	expect_status 3
	expect_json '.data[0].offenders | join(" ")' "0000:00:0e.0 10000:e1:00.0"
	# without vmd there is no such device: no binding gives it away
	expect_json '.data[0] | [.verdict, (.steps | length)] | tojson' '["blocked",0]'
	expect_json '.data[0].reasons | map(.code) | index("made-by-driver") != null' true
	check --after-bind 10000:e1:00.0
	expect_status 3
	expect_in "$output" "turn VMD off*iommuctl device bind --group 0000:00:0e.0"
	# the controller as a whole can be
	check -j 0000:00:0e.0
	expect_status 3
	expect_json '.data[0] | [.verdict, .steps[].device] | tojson' '["needs-bind","0000:00:0e.0"]'
	expect_json '.data[0].steps[0].command' "iommuctl device bind --group 0000:00:0e.0"
	check --after-bind 4
	expect_status 0
	[ "${lines[0]}" = "group 4: needs-bind: 0000:00:0e.0 (vmd) must leave its driver first" ]
}

@test "a device behind VMD is not bound, and leaves its driver before its controller does" {
	vmd
	mkdir -p "$M/sys/bus/pci/drivers/vfio-pci" "$M/sys/devices/virtual/iommu/dmar0/intel-iommu"
	link "$M/sys/class/iommu/dmar0" ../../devices/virtual/iommu/dmar0
	link "$M/sys/devices/virtual/iommu/dmar0/devices/0000:00:0e.0" ../../../../pci0000:00/0000:00:0e.0
	run_ctl --from "$M" -M device bind --force 10000:e1:00.0
	expect_status 6
	[[ $stderr == *"it is there only while vmd drives 0000:00:0e.0"* ]]
	run_ctl --from "$M" -M -j device bind --force --group 0000:00:0e.0
	expect_status 0
	expect_json '[.data[] | [.device, .driver]] | tojson' '[["10000:e1:00.0",null],["0000:00:0e.0","vfio-pci"]]'
}

# pf_and_vfs DRIVER: a card whose functions, real and virtual, share a group, behind a port without ACS.
pf_and_vfs() {
	local port=$M/sys/devices/pci0000:00/0000:00:1c.0 vf n=0

	machine "$M" <<-END
		0000:00:1c.0 type=root-port group=5 driver=pcieport
		0000:00:1c.0/0000:02:00.0 group=5 class=020000 id=8086:10fb driver=$1
		0000:00:1c.0/0000:02:10.0 group=5 class=020000 id=8086:10ed driver=ixgbevf
		0000:00:1c.0/0000:02:10.2 group=5 class=020000 id=8086:10ed
	END
	sure
	put "$port/0000:02:00.0/sriov_totalvfs" 8
	put "$port/0000:02:00.0/sriov_numvfs" 2
	mkdir -p "$M/sys/bus/pci/drivers/vfio-pci" "$M/sys/devices/virtual/iommu/dmar0/intel-iommu"
	link "$M/sys/class/iommu/dmar0" ../../devices/virtual/iommu/dmar0
	for vf in 0000:02:00.0 0000:02:10.0 0000:02:10.2; do
		link "$M/sys/devices/virtual/iommu/dmar0/devices/$vf" "../../../../pci0000:00/0000:00:1c.0/$vf"
		[ "$vf" != 0000:02:00.0 ] || continue
		link "$port/0000:02:00.0/virtfn$((n++))" "../$vf"
		link "$port/$vf/physfn" ../0000:02:00.0
	done
}

@test "a virtual function in its physical function's group is not given away alone, and goes when that one does" {
	pf_and_vfs ixgbe
	check 02:10.2
	expect_status 3
	[ "${lines[0]}" = "0000:02:10.2, group 5: blocked: it is there only while a driver is that is in the way" ]
	expect_in "$output" "problem: 0000:02:10.2 is a virtual function of 0000:02:00.0, which shares its group and is on ixgbe" \
		"iommuctl group explain 0000:02:10.2" "iommuctl device vfs 0000:02:00.0 0" "iommuctl device bind 0000:02:00.0"
	[[ $output != *"VMD"* && $output != *"bind --group 0000:02:10"* ]]
	# the card itself, or any of the group: the physical function alone has to move
	check -j 5
	expect_status 3
	expect_json '.data[0] | [.verdict, .steps[].device] | tojson' '["needs-bind","0000:02:00.0"]'
	expect_json '.data[0].reasons | map(select(.code == "goes-with-maker").device) | join(" ")' "0000:02:10.0 0000:02:10.2"
	run_ctl --from "$M" -M device bind --force --group 02:10.0
	expect_status 6
	expect_in "$stderr" "it is there only while ixgbe drives 0000:02:00.0" "device vfs 0000:02:00.0 0 && iommuctl device bind 0000:02:00.0"
}

@test "a virtual function whose physical function's driver leaves it where it is: that one only leaves its driver" {
	pf_and_vfs nvme
	check 02:10.2
	expect_status 3
	expect_in "$output" "take 0000:02:00.0 off its driver" "iommuctl device unbind 0000:02:00.0"
	expect_not_in "$output" "device vfs" "they go away first"
	check -j 02:10.2
	expect_json '.data[0] | [.verdict, (.steps[] | .device + ">" + (.to // "-"))] | tojson' '["needs-bind","0000:02:00.0>-","0000:02:10.0>vfio-pci","0000:02:10.2>vfio-pci"]'
	run_ctl --from "$M" -M -j device bind --force --group 02:10.2
	expect_status 0
	expect_json '[.data[] | [.device, .driver]] | sort | tojson' '[["0000:02:00.0",null],["0000:02:10.0","vfio-pci"],["0000:02:10.2","vfio-pci"]]'
}

@test "a virtual function whose physical function is in nobody's way is an ordinary device" {
	pf_and_vfs vfio-pci
	check -j 02:10.2
	expect_status 3
	expect_json '.data[0] | [.verdict, .steps[].device] | tojson' '["needs-bind","0000:02:10.0","0000:02:10.2"]'
	rm "$M/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/driver"
	check -j 02:10.2
	expect_json '.data[0] | [.verdict, .steps[].device] | tojson' '["needs-bind","0000:02:10.0","0000:02:10.2"]'
}

@test "no isolated interrupts: blocked, which parameter for which way, unsafe last" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
	END
	sure
	put "$M/proc/interrupts" "           CPU0
  24:          3  PCI-MSIX-0000:01:00.0    0-edge      eth0"
	check 1
	expect_status 3
	[ "${lines[0]}" = "group 1: blocked: interrupts of devices are not isolated on this machine" ]
	expect_in "$output" "turn on interrupt remapping*unsafe: for claims through iommufd*modprobe iommufd allow_unsafe_interrupts=1*unsafe: for claims through a VFIO container*modprobe vfio_iommu_type1 allow_unsafe_interrupts=1"
	put "$M/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts" Y
	check 1
	expect_status 0
	expect_in "$output" "warning: interrupts of devices are not isolated" "VFIO containers alone"
}

@test "a direct region: blocked by the line that says so" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
	END
	sure
	put "$M/sys/kernel/iommu_groups/1/reserved_regions" "0x00000000bdf6e000 0x00000000bdf84fff direct
0x00000000fee00000 0x00000000feefffff msi"
	check 1
	expect_status 3
	expect_in "$output" "group 1: blocked:" \
		"seen in /sys/kernel/iommu_groups/1/reserved_regions: 0x00000000bdf6e000 0x00000000bdf84fff direct"
}

@test "groups that are none of an IOMMU are said to be what they are, and not judged" {
	machine "$M" <<-'END'
		other mdev sys/devices/virtual/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 group=1 driver=vfio_mdev
		other iommufd_mock sys/devices/iommufd_mock0 group=2
		0000:01:00.0 group=3 driver=vfio-pci
	END
	sure
	put "$M/sys/kernel/iommu_groups/3/name" vfio-noiommu
	check 1 2 3
	expect_status 6
	expect_in "$output" "group 1: not judged: this is the group of a mediated device" \
		"group 2: not judged: these are mock devices" "group 3: not judged: VFIO made this group itself in its no-IOMMU mode"
	check -j 3
	expect_json '.data[0].verdict' null
	expect_json '.data[0].viable' null
}

@test "several at once: no before cannot tell before yes" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
		0000:02:00.0 group=2 driver=vfio-pci
		0000:03:00.0 group=3 driver=e1000e
	END
	sure
	rm "$M/sys/kernel/iommu_groups/2/reserved_regions"
	check 1
	expect_status 0
	check 1 2
	expect_status 6
	check 1 2 3
	expect_status 3
	expect_json() { :; }
	check -j 1 2 3
	[ "$(json '.data | map(.verdict) | join(" ")')" = "ready unknown needs-bind" ]
}

@test "an argument that is wrong: nothing is answered about the others" {
	z97
	check 1 77
	expect_status 1
	[ -z "$output" ]
	expect_in "$stderr" "group 77: no such group on this machine" "hint: "
	check 0000:77:00.0
	expect_status 1
	check 1 wrong:thing.9
	[ -z "$output" ]
	# an empty variable of a script is no question about all groups
	check ""
	expect_status 1
	[ -z "$output" ]
}

@test "a device in no group: this machine cannot" {
	machine "$M" <<-'END'
		0000:01:00.0 driver=e1000e
	END
	check 0000:01:00.0
	expect_status 6
	expect_in "$stderr" "the device is in no IOMMU group"
}

@test "a plain tree without /proc: unknown is said, and no is still no" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
		0000:02:00.0 group=2 driver=e1000e
	END
	check 1
	expect_status 6
	expect_in "$output" "group 1: unknown:" "not captured"
	check 2
	expect_status 3
	check --after-bind 2
	expect_status 6
}

# As root, files are readable whatever their mode; so the program runs as nobody.
as_nobody() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
	run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups "$IOMMUCTL" --from "$M" "$@"
	[ "$status" -ne 126 ] && [ "$status" -ne 127 ] || skip "nobody cannot run the program under test"
}

@test "files that an ordinary user cannot read: unknown, exit 7, and which file" {
	z97
	chmod -R go+rX "$BATS_RUN_TMPDIR"
	ln -sfn ../../../../bus/pci/drivers/vfio-pci "$M/sys/bus/pci/devices/0000:02:00.0/driver"
	as_nobody group check 1
	expect_status 0
	chmod 600 "$M/sys/kernel/iommu_groups/1/reserved_regions"
	as_nobody group check 1
	expect_status 7
	expect_in "$output" "group 1: unknown:" "the reserved regions cannot be read: Permission denied" "ask again as root"
	as_nobody -j group check 1
	expect_status 7
	expect_json '.warnings[0].where' sys/kernel/iommu_groups/1/reserved_regions
	expect_json '.data[0].verdict' unknown
}

@test "a group whose devices went away while it was read" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
		0000:02:00.0 group=2 driver=vfio-pci
	END
	sure
	rm -r "$M/sys/kernel/iommu_groups/2/devices"
	check -j 1 2
	expect_status 6
	expect_json '.data | map(.verdict) | join(" ")' "ready unknown"
	expect_json '.data[1].reasons[0].code' devices-unknown
}

@test "a link in a group that leads nowhere" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
	END
	sure
	link "$M/sys/kernel/iommu_groups/1/devices/0000:05:00.0" ../../../../devices/pci0000:00/0000:05:00.0
	check -j 1
	expect_status 6
	expect_json '.data[0].verdict' unknown
	expect_json '.data[0].reasons | map(select(.code == "driver-unknown")) | .[0].device' 0000:05:00.0
}

@test "names with escape codes and shell characters stay harmless" {
	machine "$M" <<-END
		other platform sys/devices/platform/\$(id) group=1 driver=evil
	END
	sure
	mv "$M/sys/bus/platform/drivers/evil" "$M/sys/bus/platform/drivers/"$'e\e[31mvil'
	ln -sfn ../../../bus/platform/drivers/$'e\e[31mvil' "$M/sys/devices/platform/\$(id)/driver"
	check 1
	expect_status 3
	expect_not_in "$output" $'\e' "echo "
	expect_in "$output" '\x1b'
	check -j 1
	expect_json '.data[0].steps[0].command' null
	[ "$(json '.data[0].steps[0].driver')" = $'e\e[31mvil' ]
}

@test "40 columns and colour: every line but commands fits, the verdict has its colour" {
	z97
	run_tty 40 --from "$M" group check 1
	[ "$status" -eq 3 ]
	expect_in "$output" $'\e[33mneeds-bind'
	while read -r line; do
		line=$(sed 's/\x1b\[[0-9;]*m//g' <<<"$line")
		[[ $line == "echo "* ]] && continue # to be copied in one piece
		[ "${#line}" -le 40 ] || {
			echo "too long: $line"
			return 1
		}
	done <<<"$output"
}

@test "LC_ALL=C: the same words in ASCII" {
	z97
	LC_ALL=C check 1
	expect_status 3
	expect_in "${lines[0]}" "0000:02:00.0 (ath9k) must leave its driver first"
	[ -z "$(LC_ALL=C tr -d '\000-\177' <<<"$output")" ]
}

@test "in use: by whom, also for a sibling without a driver" {
	machine "$M" <<-'END'
		0000:01:00.0 multi group=1 driver=vfio-pci
		0000:01:00.1 multi group=1
	END
	sure
	put "$M/iommuctl/holders.json" '{"complete":true,"unseen":0,"why":null,"held":[{"pid":4711,"uid":0,"comm":"qemu-system-x86",
		"fd":31,"kind":"group","node":"/dev/vfio/1","group":1,"guest":"web1","unit":"machine-web1.scope"}]}'
	check 0000:01:00.1
	expect_status 3
	[ "${lines[0]}" = "0000:01:00.1, group 1: in-use: qemu-system-x86 (pid 4711, guest web1) has /dev/vfio/1 open" ]
	run_ctl --from "$M" group show -j 1
	expect_json '.data[0].holders[0] | [.pid, .command, .node, .guest, .unit] | join(" ")' \
		"4711 qemu-system-x86 /dev/vfio/1 web1 machine-web1.scope"
	run_ctl --from "$M" device list -j -o device,holders.pid
	expect_json '.data | map(.holders | length) | join(" ")' "1 1"
}

@test "not all processes could be looked at: that is said, and never free" {
	machine "$M" <<-'END'
		0000:01:00.0 group=1 driver=vfio-pci
	END
	sure
	put "$M/iommuctl/holders.json" '{"complete":false,"unseen":3,"why":"permission","held":[]}'
	check 1
	expect_status 7
	expect_in "$output" "group 1: unknown:" "not all processes could be looked at"
	run_ctl --from "$M" group show -j 1
	expect_json '.data[0].holders' null
	expect_json '.warnings | map(.code) | index("holders-unseen") != null' true
}

@test "without a name: all groups, in their order, and the exit status of the worst" {
	run_ctl --demo group check
	expect_status 3
	expect_in "$output" "group 0: nothing-to-give" "group 8: blocked" "group 13: ready"
	run_ctl --demo group check -j
	expect_status 3
	expect_json '[.data[].group] == [range(0; 15)]' true
	run_ctl --demo group list -j -o group,verdict
	local listed
	listed=$(jq -c '[.data[] | [.group, .verdict]]' <<<"$output")
	run_ctl --demo group check -j
	[ "$(jq -c '[.data[] | [.group, .verdict]]' <<<"$output")" = "$listed" ]
	# and of a machine without groups
	mkdir -p "$M/sys/class/iommu" "$M/sys/bus/pci/devices" "$M/sys/kernel/iommu_groups"
	run_ctl --from "$M" group check
	expect_status 6
	expect_in "$stderr" "no IOMMU groups" "iommuctl doctor says why"
}
