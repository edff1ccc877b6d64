# SPDX-License-Identifier: GPL-2.0-or-later
# owner.bash: helpers of the suites of the noun owner.
# shellcheck shell=bash disable=SC2154,SC2034

# owner_uses GROUP: how many of its devices are on drivers that use the DMA API, by sysfs and what is known of the
# drivers in the lab
owner_uses() {
	local d n=0

	for d in $(lab_members "$1"); do
		case $(lab_driver "$d") in
		'' | pcieport | pci-stub | vfio-pci) ;;
		*) n=$((n + 1)) ;;
		esac
	done
	echo "$n"
}

# owner_node BDF: the node of a device on vfio-pci
owner_node() {
	echo /dev/vfio/devices/"$(ls "$devices/$1/vfio-dev")"
}

# owner_hold ARGUMENTS…: owner-hold in the background until lab_release; $holder is its pid
owner_hold() {
	local tries=100

	rm -f "$BATS_TEST_TMPDIR/hold"
	owner-hold "$@" >"$BATS_TEST_TMPDIR/hold" 3>&- &
	holder=$!
	until [ -s "$BATS_TEST_TMPDIR/hold" ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/hold")" = held ]
}

# owner_ids: "TYPE ID" of each object that iommuctl shows of the holder, and that the ioctls returned: the same
owner_ids() {
	iommuctl owner objects -p "$holder" -j >"$BATS_TEST_TMPDIR/objects"
	jq -r '.data[] | select(.type != "context") | "\(.type) \(.id)"' "$BATS_TEST_TMPDIR/objects" | sort >"$BATS_TEST_TMPDIR/ours"
	sed '/^held$/d' "$BATS_TEST_TMPDIR/hold" | sort | diff - "$BATS_TEST_TMPDIR/ours"
}

# owner_id TYPE [N]: the N-th id of that type that the ioctls returned
owner_id() {
	sed -n "s/^$1 //p" "$BATS_TEST_TMPDIR/hold" | sed -n "${2:-1}p"
}

# owner_object ID FILTER: jq's answer about one of the holder's objects, as owner_ids left them
owner_object() {
	jq -c ".data[] | select(.id == $1) | $2" "$BATS_TEST_TMPDIR/objects"
}

# owner_of GROUP FILTER: jq's answer about the group in `owner list`
owner_of() {
	iommuctl owner list -j | jq -c ".data[] | select(.group == $1) | $2"
}

# what probes there are: none must stay
owner_probes() {
	ls /sys/kernel/tracing/instances
	cat /sys/kernel/tracing/kprobe_events
}

# owner_rebind BDF DRIVER: off the driver and onto it again, as a command line for a shell
owner_rebind() {
	echo "echo $1 >/sys/bus/pci/drivers/$2/unbind; echo $1 >/sys/bus/pci/drivers/$2/bind"
}

# owner_watches: waits until a trace in the background is watching
owner_watches() {
	local tries=200

	until ls /sys/kernel/tracing/instances/*/trace_pipe >/dev/null 2>&1 &&
		grep -q 1 /sys/kernel/tracing/instances/*/events/iommuctl_owner_*/enable 2>/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}
