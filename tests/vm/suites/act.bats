#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act.bats: bind, unbind and restore against the kernel: all or nothing, and back as it was.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
}

teardown() {
	act_cleanup
}

@test "bind one device, and restore it" {
	d=$(act_single)
	ctl 0 device bind "$d"
	[ "$(field state) $(field changed) $(field driver_before) $(field driver)" = "moved true e1000e vfio-pci" ]
	[ "$(lab_driver "$d")" = vfio-pci ]
	[ -c "$(field node)" ] && [ -c "$(field cdev)" ]
	[ "$(lab_truth viable status "$(lab_group "$d")")" = true ]
	[ "$(stat -c %a "$journal")" = 600 ]
	[ "$(jq -r .boot_id "$journal")" = "$(cat /proc/sys/kernel/random/boot_id)" ]
	ctl 0 device restore "$d"
	[ "$(field state) $(field driver)" = "moved e1000e" ]
	as_before
}

@test "only the device that was named moves, not its twins" {
	d=$(act_single)
	ctl 0 device bind "$d"
	[ "$(grep -c vfio-pci <(act_state))" -eq 2 ]
	ctl 0 device restore --all
	as_before
}

@test "a dry run changes nothing, and says what would be done" {
	d=$(act_single)
	ctl 0 device bind -n "$d"
	[ "$(field state) $(field driver)" = "planned vfio-pci" ]
	as_before
}

@test "what is there already is unchanged" {
	d=$(act_single)
	ctl 0 device bind "$d"
	ctl 0 device bind "$d"
	[ "$(field state) $(field changed)" = "unchanged false" ]
	ctl 0 device restore "$d"
	as_before
}

@test "restoring what was never moved is nothing to do" {
	ctl 0 device restore "$(act_single)"
	grep -q not-moved <<<"$output"
	ctl 0 device restore --all
	as_before
}

@test "a device moved twice goes back to where it was first" {
	d=$(act_single)
	ctl 0 device bind "$d"
	ctl 0 device unbind "$d"
	[ -z "$(lab_driver "$d")" ]
	ctl 0 device restore "$d"
	as_before
}

@test "an override that was there before is put back" {
	d=$(act_single)
	echo e1000e >"$devices/$d/driver_override"
	before=$(act_state)
	ctl 0 device bind "$d"
	ctl 0 device restore "$d"
	as_before
	echo >"$devices/$d/driver_override"
}

@test "an override that names another driver than the one it is on is put back too" {
	d=$(act_single)
	echo vfio-pci >"$devices/$d/driver_override"
	before=$(act_state)
	ctl 0 device unbind "$d"
	ctl 0 device restore "$d"
	as_before
	echo >"$devices/$d/driver_override"
}

@test "a device without a driver" {
	read -r _ d < <(act_pair)
	lab_leave "$d"
	before=$(act_state)
	ctl 0 device bind --group "$d"
	[ "$(lab_driver "$d")" = vfio-pci ]
	ctl 0 device restore --all
	now=$(act_state)
	echo "$d" >/sys/bus/pci/drivers/e1000e/bind
	[ "$now" = "$before" ]
}

@test "half a group is refused, naming the other half" {
	read -r a b < <(act_pair)
	ctl 5 device bind "$a"
	grep -q "$b" <<<"$stderr"
	[ "$(field state)" = refused ]
	as_before
}

@test "a whole group, and the kernel calls it viable" {
	read -r a b < <(act_pair)
	ctl 0 device bind --group "$a"
	[ "$(lab_driver "$a") $(lab_driver "$b")" = "vfio-pci vfio-pci" ]
	[ "$(lab_truth viable status "$(lab_group "$a")")" = true ]
	[ "$(lab_truth bind cdev "$a")" = 0 ]
	ctl 0 device restore --all
	as_before
}

# forks STATUS ARGUMENTS...: how many processes the command makes
forks() {
	local rc=0

	at-syscall 0 iommuctl "${@:2}" 3>"$BATS_TEST_TMPDIR/calls" >/dev/null || rc=$?
	[ $rc -eq "$1" ] && sed -n s/forks=//p "$BATS_TEST_TMPDIR/calls"
}

@test "no process is made but one for each unbind, which may hang" {
	read -r a b < <(act_pair)
	[ "$(forks 0 device guard "$a")" -eq 0 ]
	[ "$(forks 5 device bind "$a")" -eq 0 ]
	[ "$(forks 0 device bind -n --group "$a")" -eq 0 ]
	[ "$(forks 0 device bind --group "$a")" -eq 2 ]
	[ "$(lab_driver "$b")" = vfio-pci ]
	[ "$(forks 0 device bind --group "$a")" -eq 0 ]
	[ "$(forks 0 device restore --all)" -eq 2 ]
	as_before
}

@test "a group behind a conventional bridge: the bridge stays away from vfio-pci" {
	read -r a b < <(act_behind_bridge) || skip "this topology has none"
	ctl 0 device bind --group "$a"
	[ "$(lab_driver "$a") $(lab_driver "$b")" = "vfio-pci vfio-pci" ]
	[ "$(act_state | grep -c 'drivers/vfio-pci')" -eq 2 ]
	[ "$(lab_truth viable status "$(lab_group "$a")")" = true ]
	ctl 0 device restore --all
	as_before
}

# /dev/full over a file of one device: what is written there fails
@test "a sibling that fails: the others are rolled back" {
	read -r a b < <(act_pair)
	mount --bind /dev/full "$devices/$b/driver_override"
	ctl 1 device bind --group "$a" || { umount "$devices/$b/driver_override"; false; }
	umount "$devices/$b/driver_override"
	[ "$(jq -r '[.data[].state] | join(" ")' <<<"$output")" = "rolled-back rolled-back" ]
	as_before
}

@test "a bind that the driver refuses is rolled back" {
	d=$(act_single)
	ctl 1 device bind --driver virtio-pci "$d"
	[ "$(field state)" = rolled-back ]
	as_before
}

@test "a driver that is not there" {
	ctl 1 device bind -n --driver no-such-driver "$(act_single)"
	ctl 1 device bind --driver no-such-driver "$(act_single)"
	grep -q no-such-driver <<<"$stderr"
	as_before
}

@test "a device of no group" {
	for d in "$devices"/*; do
		[ -e "$d/iommu_group" ] || break
	done
	[ ! -e "$d/iommu_group" ] || skip "every device of this machine is in a group; one of amd is not"
	ctl 6 device bind "${d##*/}"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = no-group ]
	as_before
}

@test "bridges, unknown devices" {
	for d in "$devices"/*; do
		case $(cat "$d/class") in
		0x0604*) break ;;
		esac
	done
	ctl 6 device bind "${d##*/}"
	ctl 1 device bind 0000:77:00.0
	ctl 2 device restore
	as_before
}

# -- held devices ---------------------------------------------------------------------------------------------

@test "a held device is not unbound, forced or not" {
	d=$(act_single)
	ctl 0 device bind "$d"
	lab_hold hold "$d"
	ctl 5 device unbind --force "$d"
	grep -q "pid $holder" <<<"$stderr"
	ctl 1 device restore --force "$d"
	[ "$(field state) $(lab_driver "$d")" = "refused vfio-pci" ]
	lab_release
	ctl 0 device restore "$d"
	as_before
}

@test "no native driver while user space owns the group" {
	read -r a b < <(act_pair)
	ctl 0 device bind --group "$a"
	lab_hold hold -b "$a"
	ctl 1 device restore "$b"
	[ "$(field state) $(lab_driver "$b")" = "refused vfio-pci" ]
	ctl 1 device bind --driver e1000e "$b"
	[ "$(field state) $(lab_driver "$b")" = "rolled-back vfio-pci" ]
	lab_release
	ctl 0 device restore --all
	as_before
}

@test "an unbind that hangs is pending, and can be restored when it is through" {
	d=$(act_single)
	ctl 0 device bind "$d"
	lab_hold hold "$d"
	ctl 4 device unbind --wait --timeout 1 "$d"
	[ "$(field state)" = pending ]
	[ "$(jq -r '.devices[0].state' "$journal")" = pending ]
	ctl 4 device restore --wait --timeout 1 "$d"
	[ "$(field state)" = pending ]
	# the kernel has it locked: a bind would never come back
	ctl 1 device bind "$d"
	[ "$(jq -r '.errors[0].code' <<<"$output") $(field state)" = "pending refused" ]
	lab_release
	for _ in $(seq 50); do
		[ "$(act_running)" -ne 0 ] || break
		sleep 0.1
	done
	ctl 0 device restore "$d"
	as_before
}

@test "somebody else's unbind that hangs: iommuctl does not hang with it, and can be told to end" {
	d=$(act_single)
	ctl 0 device bind "$d"
	lab_hold hold "$d"
	echo "$d" >/sys/bus/pci/drivers/vfio-pci/unbind 3>&- &
	until [ ! -e "$devices/$d/driver" ]; do sleep 0.1; done
	iommuctl -j device restore "$d" >/tmp/out 2>/tmp/err 3>&- &
	pid=$!
	sleep 1
	kill -TERM $pid
	rc=0
	wait $pid || rc=$?
	cat /tmp/err
	[ "$rc $(jq -r '.data[0].state, .errors[0].code' /tmp/out | xargs)" = "4 pending pending" ]
	ctl 1 device bind "$d"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = pending ]
	lab_release
	wait
	until [ "$(act_running)" -eq 0 ]; do sleep 0.1; done
	ctl 0 device restore "$d"
	as_before
}

# -- the journal --------------------------------------------------------------------------------------------------

@test "a damaged journal stops everything, and is kept" {
	d=$(act_single)
	ctl 0 device bind "$d"
	cp "$journal" /tmp/journal
	for damage in 'head -c 100 /tmp/journal' 'echo' 'echo []' 'sed s/e1000e/..\\/x/ /tmp/journal' 'head -c 1000 /dev/zero' \
		'sed s/moved/elsewhere/ /tmp/journal'; do
		eval "$damage" >"$journal"
		cp "$journal" /tmp/damaged
		ctl 1 device restore --all
		ctl 1 device bind "$(act_single)"
		cmp "$journal" /tmp/damaged
	done
	cp /tmp/journal "$journal"
	ctl 0 device restore --all
	as_before
}

@test "the journal of another boot says nothing" {
	d=$(act_single)
	ctl 0 device bind "$d"
	cp "$journal" /tmp/journal
	sed -i 's/"boot_id":"[^"]*"/"boot_id":"0"/' "$journal"
	ctl 0 device restore --all
	grep -q old-journal <<<"$output"
	[ "$(lab_driver "$d")" = vfio-pci ]
	cp /tmp/journal "$journal"
	ctl 0 device restore --all
	as_before
}

@test "the journal of a newer version is left alone" {
	d=$(act_single)
	ctl 0 device bind "$d"
	sed -i 's|bindings/1|bindings/2|' "$journal"
	ctl 1 device restore --all
	sed -i 's|bindings/2|bindings/1|' "$journal"
	ctl 0 device restore --all
	as_before
}

@test "a /run that cannot be written to" {
	mkdir -p /run/iommuctl
	mount -t tmpfs -o ro,mode=700 none /run/iommuctl
	ctl 1 device bind "$(act_single)"
	umount /run/iommuctl
	as_before
}

@test "without permission" {
	d=$(act_single)
	run setpriv --reuid 1000 --clear-groups iommuctl device bind "$d"
	[ "$status" -eq 7 ]
	as_before
}

# -- several at once --------------------------------------------------------------------------------------------------

@test "two binds of one group at once" {
	read -r a b < <(act_pair)
	for i in 1 2 3 4 5; do
		iommuctl -j device bind --group "$a" >/tmp/one 2>&1 &
		one=$!
		iommuctl -j device bind --group "$b" >/tmp/two 2>&1 &
		wait $one
		wait $!
		[ "$(cat /tmp/one /tmp/two | jq -r '.data[].state' | sort | uniq -c | tr -s '\n ' ' ')" = " 2 moved 2 unchanged " ]
		ctl 0 device restore --all
		as_before
	done
}

@test "while another one is at work: waited for, but not for ever" {
	read -r a b < <(act_pair)
	rm -f /tmp/at-work /tmp/go-on
	at-syscall -m bindings.json.new -c 'touch /tmp/at-work; while [ ! -e /tmp/go-on ]; do sleep 0.1; done' 1 \
		iommuctl device bind --group "$a" >/dev/null 3>&- &
	one=$!
	until [ -e /tmp/at-work ]; do sleep 0.1; done
	ctl 1 device bind --timeout 0.3 "$(act_single)"
	grep -q 'another iommuctl' <<<"$stderr"
	# an interrupt ends the wait; a terminal that goes does not, under nohup
	(trap '' HUP && exec iommuctl device bind --timeout 60 "$(act_single)") >/tmp/two 2>&1 3>&- &
	two=$!
	for _ in $(seq 100); do
		! grep -q 'lock$' <(ls -l "/proc/$two/fd") || break
		sleep 0.1
	done
	kill -HUP $two
	kill -INT $two
	rc=0
	wait $two || rc=$?
	[ $rc -eq 130 ]
	touch /tmp/go-on
	ctl 0 device bind --group "$b"
	[ "$(field state)" = unchanged ]
	wait $one
	ctl 0 device restore --all
	as_before
}
