#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# map.bats: what device map-check says about ranges, against mappings of them through iommufd.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
	d=$(act_single)
	ctl 0 device bind "$d"
}

teardown() {
	act_cleanup
}

# Around each reserved region, at the ends that page tables of 3, 4 and 5 levels have and first-stage ones half-way, and what no address is.
ranges() {
	local start end

	while read -r start end _; do
		[ $((start)) -lt $((0x1000)) ] || echo "$((start - 0x1000)) 0x1000
			$((start - 0x1000)) 0x2000"
		echo "$((start)) 0x1000
			$((end + 1 - 0x1000)) 0x2000
			$((end + 1)) 0x1000"
	done <"$groups/$(lab_group "$d")/reserved_regions"
	for bits in 38 39 47 48 56 57; do
		echo "$(((1 << bits) - 0x1000)) 0x1000
			$(((1 << bits) - 0x1000)) 0x2000
			$((1 << bits)) 0x1000"
	done
	echo "0 0x1000
		0x1001 0x1000
		0x10800 0x1000
		0x10000 0x800
		0x10000 0
		0xfffffffffffff000 0x1000
		0xfffffffffffff000 0x2000
		0x100000 0x100000"
}

@test "what fits is mapped, what is refused is not, and what would do instead does" {
	local n=0 wrong=0 fits=0 iova length line verdict near nearest=()

	while read -r iova length; do
		line=$(vfio-truth map "$d" "$iova:$length") || :
		output=$(iommuctl -j device map-check "$d" "$iova" "$length") || :
		verdict=$(field verdict)
		case "$verdict $(lab_word map "$line")" in
		"fits 0") fits=$((fits + 1)) ;;
		"refused E"*)
			near=$(field nearest_start)
			# where the end is not seen, it is the nearest as far as is seen
			[ "$near" = null ] || { [ "$LAB_TOPOLOGY" != vtd ] && [ $((near >> 36)) -ne 0 ]; } || nearest+=("$near:$((($(field nearest_end) - near) + 1))") ;;
		"unknown "*)
			case "$LAB_TOPOLOGY $(field rule)" in
			"amd aperture" | virtio-iommu\ aperture | virtio-iommu\ page-size | smmuv3*\ aperture | smmuv3*\ page-size) ;;
			*)	wrong=1 ;;
			esac ;;
		*)	wrong=1 ;;
		esac
		[ $wrong -eq 0 ] || { echo "$iova $length: $line: $output" && return 1; }
		n=$((n + 1))
	done < <(ranges)
	[ $n -ge 30 ]
	[ "$LAB_TOPOLOGY" != vtd ] || [ $fits -ge 6 ]
	vfio-truth map "$d" "${nearest[@]}"
	ctl 0 device restore --all
	as_before
}

# Without CAP_IPC_LOCK, as QEMU runs under libvirt: whoever holds it may lock all there is. In place of the subshell that it is called in.
limited() {
	exec bash -c "ulimit -l 64 && exec setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock $*" 3>&-
}

@test "locked memory is that of the process that maps, and of its user" {
	limited sleep 1000 >/dev/null 2>&1 &
	other=$!
	until [ "$(cat /proc/$other/comm)" = sleep ]; do sleep 0.1; done
	[ "$(lab_word map "$(limited vfio-truth map "$d" 0x100000:0x10000)")" = 0 ]
	[ "$(lab_word map "$(limited vfio-truth map "$d" 0x100000:0x11000)" || :)" = ENOMEM ]
	for how in "--pid $other" "--memlock 64K"; do
		# shellcheck disable=SC2086
		output=$(iommuctl -j device map-check $how "$d" 0x100000 0x10000) || :
		[ "$(field 'rule')" != memlock ]
		# shellcheck disable=SC2086
		ctl 3 device map-check $how "$d" 0x100000 0x11000
		[ "$(field rule)" = memlock ]
	done
	output=$(iommuctl -j device map-check --pid $$ "$d" 0x100000 1G) || :
	jq -e '.data[0].reasons | any(.code == "memlock-free")' <<<"$output"
	kill $other
}

@test "what other processes of the user have pinned counts for iommufd" {
	e=$(act_disk)
	ctl 0 device bind "$e"
	limited vfio-truth map "$d" 0x100000:0x8000+ >/tmp/pinned &
	other=$!
	until [ -s /tmp/pinned ]; do sleep 0.1; done
	grep -q 'map=0' /tmp/pinned
	[ "$(lab_word map "$(limited vfio-truth map "$e" 0x100000:0x8000)")" = 0 ]
	[ "$(lab_word map "$(limited vfio-truth map "$e" 0x100000:0x9000)" || :)" = ENOMEM ]
	ctl 3 device map-check --pid $other "$d" 0x200000 0x9000
	[ "$(field rule)" = memlock ]
	output=$(iommuctl -j device map-check --pid $other "$d" 0x200000 0x8000) || :
	[ "$(field rule)" != memlock ]
	kill $other
	wait $other || :
}

@test "a process that is not there, and one that may not be seen" {
	ctl 1 device map-check --pid 4194000 "$d" 0x100000 4K
	[ "$(jq -r '.errors[0].code' <<<"$output")" = no-process ]
	run setpriv --reuid 1000 --clear-groups iommuctl -j device map-check --pid 1 "$d" 0x100000 4K
	[ "$(jq -r '.data[0].verdict' <<<"${lines[0]}")" != refused ]
}
