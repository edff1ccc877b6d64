#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-package.bats: the Debian package in a Debian with systemd and udev: installed, used, installed once more, removed, purged.
# One machine from the first test to the last.
# shellcheck disable=SC2154
load act

# what is on the root file system, but for what dpkg keeps about packages
inventory() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /share -o -path /var/lib/dpkg -o -path /var/log \) -prune \
		-o -print | sort
}

# bound DEV: waits until it is on vfio-pci
bound() {
	local _

	for _ in $(seq 300); do
		[ "$(lab_driver "$1")" != vfio-pci ] || return 0
		sleep 0.1
	done
	return 1
}

setup() {
	d=0000:01:00.0
}

@test "nothing of iommuctl is here, and udev runs" {
	umount /etc/iommuctl && rmdir /etc/iommuctl
	rm -f /usr/bin/iommuctl /usr/bin/iommutop
	mkdir -p /var/tmp # every Debian has it, and PrivateTmp= would make it
	inventory >/run/before
	! grep -E 'iommu(ctl|top)' /run/before | grep -v -e '^/iommuctl.deb$'
	systemctl is-active systemd-udevd
	[ "$(lab_driver $d)" = e1000e ]
}

@test "it installs, and everything is as it was packed" {
	dpkg -i /iommuctl.deb
	[ "$(dpkg-query -W -f '${db:Status-Status}' iommuctl)" = installed ]
	[ -z "$(dpkg --verify iommuctl)" ]
	[ "$(iommuctl -V | head -n 1 | cut -d ' ' -f 2)" = "$(dpkg-query -W -f '${Version}' iommuctl)" ]
}

@test "systemd knows the services, and starts none; no device was moved" {
	systemctl cat iommuctl-bind.service "iommuctl-bind@$d.service" iommuctl-session@x.service >/dev/null
	# what it does not like in a file it says in the journal
	run journalctl -b -g 'iommuctl-.*\.service:[0-9]+:'
	[ "$status" -ne 0 ]
	[ "$(systemctl show -P ActiveState iommuctl-bind.service)" = inactive ]
	[ -L /usr/lib/systemd/system/sysinit.target.wants/iommuctl-bind.service ]
	[ "$(lab_driver $d)" = e1000e ]
}

@test "it is used: a question, a binding, a device that comes back is bound by udev's rule" {
	run iommuctl group check $d
	[ "$status" -eq 3 ]
	ctl 0 device bind --persist $d
	[ "$(lab_driver $d)" = vfio-pci ]
	ctl 0 group check $d
	echo 1 >$devices/$d/remove
	[ ! -e $devices/$d ]
	echo 1 >/sys/bus/pci/rescan
	bound $d
	[ "$(systemctl show -P Result "iommuctl-bind@$d.service")" = success ]
	iommutop -b -n 1 | grep -q vfio-pci
}

@test "a session as a service" {
	systemctl start iommuctl-session@lab
	run iommuctl session list
	grep -q lab <<<"$output"
	iommuctl --session lab object tree
}

@test "installed once more: devices stay where they are, and the session goes on" {
	dpkg -i /iommuctl.deb
	[ "$(lab_driver $d)" = vfio-pci ]
	[ "$(find /etc/iommuctl -name '*.conf' | wc -l)" -eq 1 ]
	systemctl is-active iommuctl-session@lab
	iommuctl --session lab object tree
}

@test "numbers for node_exporter, by the timer" {
	mkdir -p /var/lib/prometheus/node-exporter
	systemctl start iommuctl-metrics.timer
	systemctl start iommuctl-metrics.service
	grep -q '^iommu_groups{' /var/lib/prometheus/node-exporter/iommuctl.prom
}

@test "removed: the programs are gone, what the user wrote down stays, no device moves" {
	dpkg -r iommuctl
	hash -r
	[ -z "$(command -v iommuctl iommutop)" ]
	[ "$(find /etc/iommuctl -name '*.conf' | wc -l)" -eq 1 ]
	[ "$(lab_driver $d)" = vfio-pci ]
	[ ! -e /usr/lib/systemd/system/iommuctl-bind.service ]
	[ "$(systemctl show -P ActiveState iommuctl-session@lab)" = inactive ]
	[ "$(systemctl show -P ActiveState iommuctl-metrics.timer)" = inactive ]
	[ -z "$(ls -A /var/lib/prometheus/node-exporter)" ]
	rm -r /var/lib/prometheus
	[ ! -e /usr/lib/udev/rules.d/60-iommuctl.rules ]
}

@test "installed again: what it had moved is given back" {
	dpkg -i /iommuctl.deb
	ctl 0 device restore --all
	[ "$(lab_driver $d)" = e1000e ]
	ctl 0 device bind --persist $d
}

@test "purged: nothing is left" {
	dpkg -P iommuctl
	inventory >/run/after
	diff /run/before /run/after
	[ ! -e /run/iommuctl ]
	run dpkg-query -W iommuctl
	[ "$status" -ne 0 ]
	[ "$(systemctl list-units --failed --plain --no-legend | grep -c iommuctl)" -eq 0 ]
	journalctl -b | grep -i 'iommuctl.*\(error\|fail\)' && return 1
	return 0
}
