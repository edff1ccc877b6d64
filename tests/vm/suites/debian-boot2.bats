#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-boot2.bats: the boot after debian-boot1.bats.
# shellcheck disable=SC2154
load act

d=0000:01:00.0
other=0000:02:00.0
pair='0000:03:00.0 0000:03:00.1'

@test "what was written down is bound, before libvirt starts" {
	for i in $d $pair; do
		[ "$(lab_driver "$i")" = vfio-pci ]
		grep -qx "$i" /run/libvirtd-saw
	done
	[ "$(stat -c '%a %G' "/dev/vfio/$(lab_group $d)")" = "660 user" ]
}

@test "another card in the place is not bound, and the service says so" {
	[ "$(lab_driver $other)" = e1000e ]
	[ "$(systemctl show -P Result iommuctl-bind.service)" = exit-code ]
	journalctl -b -u iommuctl-bind.service | grep -q "$other is not bound: it is 8086:10d3, and 1234:5678 was to be bound"
}

@test "doctor names it" {
	run iommuctl -j doctor
	jq -e '.data[0].reasons | any(.code == "binding-moved" and (.text | contains("1234:5678")))' <<<"${lines[0]}"
}

@test "a device that comes later is bound by udev's rule" {
	echo 1 >$devices/$d/remove
	[ ! -e $devices/$d ]
	echo 1 >/sys/bus/pci/rescan
	for _ in $(seq 300); do
		[ "$(lab_driver $d)" != vfio-pci ] || break
		sleep 0.1
	done
	[ "$(lab_driver $d)" = vfio-pci ]
	[ "$(systemctl show -P Result "iommuctl-bind@$d.service")" = success ]
}

@test "restore gives the native drivers back, now and for all boots to come" {
	iommuctl device restore --all
	for i in $d $pair; do
		[ "$(lab_driver "$i")" = e1000e ]
		[ "$(cat "$devices/$i/driver_override")" = "(null)" ]
	done
	rm -f "$(grep -l 1234:5678 /etc/iommuctl/bindings.d/*.conf)"
	[ -z "$(find /etc/iommuctl -name '*.conf')" ]
}
