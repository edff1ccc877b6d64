#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-persist.bats: what bind --persist writes down, and what is made of it at the next boot: that is played here by putting the device and the
# journal back. A real reboot is in debian.bats.
# shellcheck disable=SC2154
load act

conf=/etc/iommuctl/bindings.d

setup() {
	before=$(act_state)
	d=$(act_single)
}

teardown() {
	act_cleanup
	umount /etc/iommuctl 2>/dev/null || :
	umount /proc/cmdline 2>/dev/null || :
	rm -rf /etc/iommuctl /etc/modprobe.d /etc/driverctl.d /etc/initramfs-tools /etc/dracut.conf.d
}

# a boot: native drivers, and nothing is known of an earlier one
boot() {
	local b

	for b; do
		lab_return "$b" e1000e
	done
	rm -rf /run/iommuctl
	as_before
}

files() {
	find /etc/iommuctl -type f -o -type l 2>/dev/null | wc -l
}

@test "a file is written, the next boot binds by it, and restore takes it away" {
	ctl 0 device bind --persist "$d"
	[ "$(files)" -eq 1 ]
	[ "$(stat -c %a "$conf"/*.conf)" = 644 ]
	grep -qx "path=0000:00/03.0/00.0" "$conf"/*.conf
	grep -qx driver=vfio-pci "$conf"/*.conf
	grep -qx was=e1000e "$conf"/*.conf
	boot "$d"
	iommuctl __persisted --ask "$d"
	iommuctl __persisted "$d"
	[ "$(lab_driver "$d")" = vfio-pci ]
	ctl 0 device restore "$d"
	as_before
	[ "$(files)" -eq 0 ]
}

@test "unbind --persist takes the file away too, and restore of what was not moved" {
	ctl 0 device bind --persist "$d"
	ctl 0 device unbind --persist "$d"
	[ "$(files)" -eq 0 ]
	ctl 0 device restore "$d"
	as_before
	ctl 0 device bind --persist "$d"
	boot "$d"
	ctl 0 device restore -n "$d"
	[ "$(files)" -eq 1 ]
	ctl 0 device restore "$d"
	[ "$(files)" -eq 0 ]
	as_before
}

@test "an initramfs is to be made anew, and one whose maker cannot find our hook would stay as it is" {
	mkdir -p /etc/dracut.conf.d
	ctl 0 device bind --persist "$d"
	[[ $output == *"no /usr/lib/dracut/modules.d/90iommuctl"*--with-dracutdir=/usr/lib/dracut* ]]
	mkdir -p /etc/initramfs-tools/hooks
	ctl 0 device bind --persist "$d"
	[[ $output == *"no /usr/share/initramfs-tools/hooks/iommuctl"*--with-initramfsdir=/usr/share/initramfs-tools* ]]
	: >/etc/initramfs-tools/hooks/iommuctl
	ctl 0 device bind --persist "$d"
	[[ $output == *"it does not know of this yet"*'"hint":"update-initramfs -u"'* ]]
	ctl 0 device restore "$d"
	as_before
}

@test "a dry run, and a bind that fails, write nothing" {
	ctl 0 device bind -n --persist "$d"
	ctl 1 device bind --persist --driver virtio-pci "$d"
	[ "$(files)" -eq 0 ]
	as_before
}

@test "an /etc that cannot be written to: nothing is moved" {
	mkdir -p /etc/iommuctl
	mount -t tmpfs -o ro,mode=755 none /etc/iommuctl
	ctl 1 device bind --persist "$d"
	as_before
}

@test "a file that cannot be taken away is not passed over: the device would be bound at the next boot" {
	ctl 0 device bind --persist "$d"
	mount --bind /etc/iommuctl /etc/iommuctl
	mount -o remount,bind,ro /etc/iommuctl
	ctl 4 device unbind --persist "$d"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = persist ]
	ctl 4 device restore "$d"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = persist ]
	ctl 1 device restore "$d"
	as_before
	umount /etc/iommuctl
	[ "$(files)" -eq 1 ]
	ctl 0 device restore "$d"
	[ "$(files)" -eq 0 ]
}

@test "a rehearsal writes nothing, and takes nothing away" {
	ctl 0 -M device bind --persist "$d"
	[ "$(files)" -eq 0 ]
	ctl 0 device bind --persist "$d"
	printf 'device unbind --persist %s\ndevice restore %s\n' "$d" "$d" >/tmp/rehearsal
	iommuctl -M batch /tmp/rehearsal
	[ "$(files)" -eq 1 ]
	ctl 0 device restore "$d"
	[ "$(files)" -eq 0 ]
	as_before
}

@test "a group is bound as a group, whichever of its devices comes first" {
	read -r a b < <(act_pair)
	ctl 0 device bind --persist --group "$a"
	[ "$(files)" -eq 2 ]
	boot "$a" "$b"
	iommuctl __persisted "$b"
	[ "$(lab_driver "$a") $(lab_driver "$b")" = "vfio-pci vfio-pci" ]
	iommuctl __persisted "$a"
	ctl 0 device restore --all
	as_before
	[ "$(files)" -eq 0 ]
}

@test "another card in its place, and a card that moved, are not bound, and that is said" {
	read -r a b < <(act_pair)
	ctl 0 device bind --persist "$d"
	boot "$d"
	sed -i 's/^id=.*/id=1234:5678/' "$conf"/*.conf
	run iommuctl __persisted "$d"
	[ "$status" -eq 1 ]
	[[ $output == *"1234:5678 was to be bound in that place"* ]]
	sed -i 's/^id=.*/id=8086:10d3/; s,^path=.*,path=0000:00/1f.7/00.0,' "$conf"/*.conf
	run iommuctl __persisted "$d"
	[ "$status" -eq 1 ]
	[[ $output == *"is not there any more"* ]]
	run iommuctl -j doctor
	jq -e '.data[0].reasons | any(.code == "binding-moved")' <<<"${lines[0]}"
	as_before
}

@test "a damaged file binds nothing, and is named" {
	ctl 0 device bind --persist "$d"
	boot "$d"
	sed -i 's,^driver=.*,driver=../../x,' "$conf"/*.conf
	run iommuctl __persisted "$d"
	[ "$status" -eq 0 ]
	[[ $output == *"$conf/"*"is not understood"* ]]
	as_before
}

@test "at boot it is guarded as it is by hand" {
	e=$(act_disk)
	ctl 0 device bind --persist --group "$e"
	lab_return "$e" nvme
	rm -rf /run/iommuctl
	set -- "$devices/$e"/nvme/nvme*/nvme*n1
	until [ -b "/dev/$(basename "$1")" ]; do sleep 0.1; set -- "$devices/$e"/nvme/nvme*/nvme*n1; done
	mke2fs -F "/dev/$(basename "$1")" >/dev/null
	mkdir -p /tmp/mnt
	mount -t ext4 "/dev/$(basename "$1")" /tmp/mnt
	run iommuctl __persisted "$e"
	umount /tmp/mnt
	[ "$status" -eq 5 ]
	[[ $output == *mounted* ]]
	as_before
}

@test "what somebody else binds at boot is refused, and the place named" {
	mkdir -p /etc/modprobe.d
	echo "options vfio-pci ids=8086:10d3" >/etc/modprobe.d/gpu.conf
	ctl 5 device bind --persist "$d"
	[ "$(jq -r '.errors[0] | "\(.code) \(.where)"' <<<"$output")" = "claimed /etc/modprobe.d/gpu.conf" ]
	[ "$(field state)" = refused ]
	as_before
	rm /etc/modprobe.d/gpu.conf
	echo "$(cat /proc/cmdline) vfio-pci.ids=10de:1b80,8086:10d3" >/tmp/cmdline
	mount --bind /tmp/cmdline /proc/cmdline
	ctl 5 device bind --persist "$d"
	[ "$(jq -r '.errors[0] | "\(.code) \(.where)"' <<<"$output")" = "claimed /proc/cmdline" ]
	umount /proc/cmdline
	as_before
	mkdir -p /etc/driverctl.d
	echo vfio-pci >"/etc/driverctl.d/pci-$d"
	ctl 5 device bind --persist "$d"
	grep -q "/etc/driverctl.d/pci-$d" <<<"$stderr"
	as_before
	ctl 0 device bind --persist --force "$d"
	ctl 0 device restore "$d"
	as_before
}

@test "the initramfs binds before native drivers come, and restore knows what was before" {
	ctl 0 device bind --persist "$d"
	boot "$d"
	lab_leave "$d" # as before any driver is loaded
	/usr/bin/early-bind
	[ "$(lab_driver "$d") $(cat "$devices/$d/driver_override")" = "vfio-pci vfio-pci" ]
	iommuctl __persisted "$d"
	ctl 0 device restore "$d"
	as_before
	# without it, and before the native driver has come
	ctl 0 device bind --persist "$d"
	boot "$d"
	lab_leave "$d"
	iommuctl __persisted
	[ "$(lab_driver "$d")" = vfio-pci ]
	ctl 0 device restore "$d"
	as_before
	# one that is built in has it already
	ctl 0 device bind --persist "$d"
	boot "$d"
	/usr/bin/early-bind
	[ "$(lab_driver "$d")" = vfio-pci ]
	iommuctl __persisted "$d"
	ctl 0 device restore "$d"
	as_before
}

@test "the initramfs leaves alone what is not meant" {
	ctl 0 device bind --persist "$d"
	boot "$d"
	cp "$conf"/*.conf /tmp/good
	for damage in s,^id=.*,id=1234:5678, s,03.0,1f.7, 's,^driver=.*,driver=x y,' s,^driver=.*,driver=../../x, s,^path=.*,path=../x, s,^path,x,; do
		sed "$damage" /tmp/good >"$(echo "$conf"/*.conf)"
		/usr/bin/early-bind
		as_before
	done
}
