#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-metrics.bats: the service for node_exporter as systemd runs it, with all that it is denied: it has to see what an unconfined run sees.
# shellcheck disable=SC2154
load act

dir=/var/lib/prometheus/node-exporter
file=$dir/iommuctl.prom

setup() {
	lab_tool
	mkdir -p "$dir"
}

teardown() {
	exec 9>&-
	[ -z "${bound:-}" ] || iommuctl device restore "$bound" >/dev/null || :
	systemctl stop iommuctl-metrics.timer iommuctl-metrics.service || :
	rm -rf "$dir"
}

# what does not change between two runs
steady() {
	grep -v '^iommu_interrupts_total' | sort
}

run_service() {
	systemctl start iommuctl-metrics.service || {
		journalctl -b -u iommuctl-metrics.service >&2
		systemctl status iommuctl-metrics.service >&2
		return 1
	}
}

@test "without node_exporter's folder the service does nothing, and is no failure" {
	rm -rf "$dir"
	systemctl start iommuctl-metrics.service
	[ "$(systemctl show -P ConditionResult iommuctl-metrics.service)" = no ]
	[ "$(systemctl show -P ActiveState iommuctl-metrics.service)" = inactive ]
	[ ! -e "$dir" ]
}

@test "the service sees what an unconfined run sees: holders, owner counts, the log" {
	bound=$(act_single)
	iommuctl device bind "$bound" >/dev/null
	# a process of another user with the group open: the shell itself would be root's
	chmod 666 "/dev/vfio/$(lab_group "$bound")"
	# shellcheck disable=SC2016 # the inner shell expands it
	setpriv --reuid=65534 --clear-groups sh -c 'exec 9<>"/dev/vfio/$1"; exec sleep 600' - "$(lab_group "$bound")" 3>&- &
	holder=$!
	until [ -e "/proc/$holder/fd/9" ] && [ "$(cat "/proc/$holder/comm")" = sleep ]; do sleep 0.1; done
	run_service
	[ "$(stat -c '%a %U' "$file")" = "644 root" ]
	diff <(tail -n +2 "$file" | steady) <(iommuctl -q metrics | steady) >&2
	kill "$holder"
	wait "$holder" || :
	grep -q "^iommu_group_holders{group=\"$(lab_group "$bound")\",command=\"sleep\"" "$file"
	grep -q '^iommu_group_owners_surplus{group="0"} 0$' "$file"
	grep -q "^iommu_device_info{device=\"$bound\".*driver=\"vfio-pci\"" "$file"
	[ "$(grep -c '^iommuctl_collector_success.* 0$' "$file")" = 0 ]
	# the unit's own interrupt is there, by the kernel's count
	[ "$(sed -n 's/^iommu_interrupts_total{unit="dmar0",interrupt="dmar0"} //p' "$file")" = \
		"$(awk '$NF == "dmar0" { s = 0; for (i = 2; $i ~ /^[0-9]+$/; i++) s += $i; print s }' /proc/interrupts)" ]
}

@test "it cannot do what it has no use for" {
	local unit=/run/systemd/system/denied.service what
	# the same confinement, other commands
	try() {
		echo "$1" >/run/try
		sed 's#^ExecStart=.*#ExecStart=/bin/bash -e /run/try#; /^Condition/d' "$(systemctl show -P FragmentPath iommuctl-metrics.service)" >$unit
		systemctl daemon-reload
		systemctl start denied.service
	}
	try 'true'
	try 'test -r /proc/kcore && read -r line </dev/kmsg && touch /var/lib/prometheus/node-exporter/x'
	for what in 'echo 1 >/sys/bus/pci/drivers_autoprobe' 'echo 0 >/proc/sys/kernel/panic_on_warn' 'touch /etc/x' 'echo text >/dev/kmsg' ': <>/dev/vfio/vfio' \
		': <>/dev/mem' 'touch /root/x'; do
		(eval "$what") # root can
		! try "$what" || {
			echo "$what" >&2
			return 1
		}
	done
	rm $unit /run/try
	systemctl daemon-reload
}

@test "the timer runs it, and it goes on from its own file" {
	local before
	printf '# iommuctl metrics %s\n' '{"version":1,"boot_id":"x","next":9,"lost":0,"suppressed":0,"counted":[],"faults":[{"device":"x","kind":"dma","count":41}]}' >"$file"
	before=$(stat -c %i "$file")
	systemctl start iommuctl-metrics.timer
	until [ "$(stat -c %i "$file")" != "$before" ]; do sleep 1; done
	grep -q '^iommu_device_faults_total{device="x",kind="dma"} 41$' "$file"
	[ "$(head -n 1 "$file" | sed 's/^# iommuctl metrics //' | jq -r .boot_id)" = "$(</proc/sys/kernel/random/boot_id)" ]
}
