#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-boot1.bats: with udev: nodes are waited for, and what is to be bound at every boot is written down. debian-boot2.bats is the boot after.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
	d=$(act_single)
}

teardown() {
	[ -n "${keep:-}" ] || act_cleanup
}

@test "udev runs, and what is installed is where it looks" {
	[ -e /run/udev/control ]
	systemctl is-active systemd-udevd
	systemctl cat "iommuctl-bind@$d.service" >/dev/null
	udevadm info "/sys/bus/pci/devices/$d" >/dev/null
	[ ! -s /run/libvirtd-saw ]
}

@test "a node is there with the group and mode that a rule gives it, when bind returns" {
	ctl 0 device bind "$d"
	[ "$(stat -c '%a %G' "$(field node)")" = "660 user" ]
	ctl 0 device restore "$d"
	as_before
}

@test "an interrupt while udev is waited for: put back" {
	iommuctl -j device bind "$d" >/tmp/out 2>&1 3>&- &
	p=$!
	until [ "$(lab_driver "$d")" = vfio-pci ]; do sleep 0.05; done
	kill -INT $p
	rc=0
	wait $p || rc=$?
	[ $rc -eq 130 ]
	as_before
}

@test "written down for the next boot: one that udev finds, a group, and one that will have moved" {
	keep=yes
	read -r a b < <(act_pair)
	ctl 0 device bind --persist "$d"
	ctl 0 device bind --persist --group "$a"
	e=$(act_single)
	ctl 0 device bind --persist "$e"
	sed -i 's/^id=.*/id=1234:5678/' "$(grep -l "path=0000:00/04.0/" /etc/iommuctl/bindings.d/*.conf)"
	[ "$(find /etc/iommuctl -name '*.conf' | wc -l)" -eq 4 ]
	sync
}
