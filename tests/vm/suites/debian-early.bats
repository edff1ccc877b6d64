#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-early.bats: what device bind --persist wrote down, in an initramfs that Debian's own tools made: bound before native drivers come. What was
# written down later is bound later, and doctor says so.
# shellcheck disable=SC2154
load act

conf=/etc/iommuctl/bindings.d
early='0000:01:00.0 0000:03:00.0 0000:03:00.1'
late=0000:02:00.0
other=0000:05:00.0

# early_log: the kernel's log up to where the system itself begins; an initramfs may have a systemd of its own
early_log() {
	dmesg | tac | sed '1,/systemd\[1\]: .*running in system mode/d' | tac
}

@test "the image has the files of what is to be bound, the driver, and what binds" {
	cat /share/early-log
	for i in 03.0-00.0 07.0-00.0 07.0-00.1; do
		grep -q "etc/iommuctl/bindings.d/0000:00-$i.conf" /share/early-list
	done
	[ "$(grep -c 'bindings.d/.*\.conf' /share/early-list)" -eq 3 ]
	grep -q '/vfio-pci\.ko' /share/early-list
	grep -q '/vfio_iommu_type1\.ko' /share/early-list
	grep -Eq '^-rwx.* (usr/)?lib/iommuctl/early-bind$' /share/early-list
}

@test "it runs before udev loads drivers" {
	if [[ $LAB_TOPOLOGY == *dracut ]]; then
		grep -Eq 'hooks/pre-udev/10-early-hook\.sh' /share/early-list
	else
		cat /share/ORDER
		[ "$(grep -n /iommuctl /share/ORDER | cut -d : -f 1)" -lt "$(grep -n /udev /share/ORDER | cut -d : -f 1)" ]
	fi
}

@test "bound in the initramfs, and no native driver ever had them, though it was loaded there" {
	for i in $early; do
		[ "$(lab_driver "$i") $(cat "$devices/$i/driver_override")" = "vfio-pci vfio-pci" ]
		[ "$(dmesg | grep -c "e1000e $i")" -eq 0 ]
	done
	[ "$(lab_driver $other)" = e1000e ]
	early_log | grep "e1000e $other"
	early_log | grep "VFIO - User Level"
}

@test "written down after the image was made: the initramfs gave it to its native driver, the system bound it before libvirt starts" {
	early_log | grep "e1000e $late"
	[ "$(lab_driver $late)" = vfio-pci ]
	for i in $early $late; do
		grep -qx "$i" /run/libvirtd-saw
	done
	[ "$(systemctl show -P Result iommuctl-bind.service)" = success ]
}

@test "doctor says so of that one alone, with the commands that mend it" {
	run iommuctl -j doctor
	jq '.data[0].reasons' <<<"${lines[0]}"
	[ "$(jq -r '[.data[0].reasons[] | select(.code == "initramfs-first") | .device] | join(" ")' <<<"${lines[0]}")" = $late ]
	remedies=$(jq -r '.data[0].reasons[] | select(.code == "initramfs-first") | .remedies[].command' <<<"${lines[0]}")
	[[ $remedies == *"softdep e1000e pre: vfio-pci"* ]]
	if [[ $LAB_TOPOLOGY == *dracut ]]; then
		[[ $remedies == *"dracut -f"* ]]
	else
		[[ $remedies == *"update-initramfs -u"* ]]
	fi
}

@test "restore knows what they would be on without it; bind --persist writes what the initramfs had" {
	mkdir /tmp/had
	cp $conf/*.conf /tmp/had
	iommuctl device restore --all
	for i in $early $late; do
		[ "$(lab_driver "$i") $(cat "$devices/$i/driver_override")" = "e1000e (null)" ]
	done
	[ -z "$(find $conf -name '*.conf')" ]
	ctl 0 device bind --persist 0000:01:00.0
	ctl 0 device bind --persist --group 0000:03:00.0
	# it is said that the image has to be made anew
	grep -q '"code":"initramfs"' <<<"$output"
	ctl 0 device bind --persist $late
	diff -r /tmp/had $conf
	ctl 0 device restore --all
}
