#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command that a text shows is run: tests/console.
load lib

setup_file() {
	export SRC=${BATS_TEST_DIRNAME%/tests/cli}
}

# console FILE...: none of its lines is bad
console() {
	run "$SRC/tests/console" "$@"
	[ "$status" -eq 0 ] || {
		grep -v '^ok' <<<"$output" >&2
		return 1
	}
}

@test "README prints what it says" {
	console "$SRC/README.md"
}

@test "the examples of the manual do what they are for" {
	console "$SRC"/man/*.1
	[ "$(grep -c '^ok' <<<"$output")" -ge 25 ]
}

@test "the recipes come to their end" {
	local f

	for f in "$SRC"/docs/recipes/*.md; do
		[ "${f##*/}" = README.md ] || console "$f"
	done
	# each is in the list, and says on which machine of the lab it is run
	for f in "$SRC"/docs/recipes/*-*.md; do
		grep -qF "(${f##*/})" "$SRC/docs/recipes/README.md"
		grep -qE '^<!-- machine: [^ ]+ [^ ]+ -->$' "$f"
	done
}

# what the runner itself would not see
@test "a wrong output, a wrong status, a command left out and a needless excuse are found" {
	local f=$BATS_TEST_TMPDIR/text.md

	text() {
		printf '%s\n' "$@" >"$f"
		run "$SRC/tests/console" "$f"
		grep -q '^not ok' <<<"$output" && [ "$status" -eq 1 ]
	}
	text '```console' '$ iommuctl --demo group check 0a:00.2' 'something else' '```'
	text '```console' '$ iommuctl --demo group check 12' '```'
	text '```console' '$ umount /srv' '```'
	text '<!-- by hand: because -->' '```console' '$ iommuctl --demo group list' '```'
	text '<!-- machine: demo demo -->' '<!-- lab: because -->' '```console' '$ iommuctl group list' '```'
	text '<!-- by hand: because -->' 'nothing'
	text 'nothing'
	printf '%s\n' '```console' '$ iommuctl --demo group check 0a:00.2' '…' '(exit status 0)' '```' >"$f"
	run "$SRC/tests/console" "$f"
	[ "$status" -eq 0 ]
}

# architecture.md has a column of what a folder may include; what it does include is part of that, and the order of the folders is lint's.
@test "docs/architecture.md knows every folder, and no file that is not there" {
	local page=$SRC/docs/architecture.md d f row used

	for d in "$SRC"/src/*/; do
		d=${d#"$SRC"/}
		row=$(grep "^| \`${d%/}\` |" "$page")
		row=${row%|*}
		[[ ${row##*|} != *" all "* ]] || continue
		for used in $(grep -hoE '^#include "[a-z]+/' "$SRC/$d"*.[ch] | sed 's/.*"//; s,/,,' | sort -u); do
			[ "src/$used/" = "$d" ] || [ "$used" = base ] || grep -qw "$used" <<<"${row##*|}" || {
				echo "$d includes $used, and the page says: ${row##*|}" >&2
				return 1
			}
		done
	done
	for f in $(grep -oE '`(src|tests|tools|docs|boot|debian)/[A-Za-z0-9_./-]+`' "$page" | tr -d '`' | sort -u); do
		[ -e "$SRC/$f" ] || {
			echo "$f: not there" >&2
			return 1
		}
	done
	for f in $(grep -oE '`[a-z0-9*-]+\.(c|h|bats)`' "$page" | tr -d '`' | sort -u); do
		[ -n "$(find "$SRC/src" "$SRC/tools" "$SRC/tests" -name "$f")" ] || {
			echo "$f: not there" >&2
			return 1
		}
	done
}

# calls WHAT: the commands that make that ioctl, as a pattern; of the C suite, how it names it
calls() {
	case $1 in
	every*)				echo . ;;
	DESTROY*)			echo '(object destroy|object raw 0x80) |"DESTROY' ;;
	IOAS_ALLOC)			echo '(ioas alloc|object raw 0x81) ' ;;
	IOAS_ALLOW_IOVAS)		echo '(ioas allow|object raw 0x82) ' ;;
	IOAS_COPY)			echo '(ioas copy|object raw 0x83) ' ;;
	IOAS_IOVA_RANGES)		echo '(ioas ranges|object raw 0x84) ' ;;
	IOAS_MAP_FILE)			echo 'object raw 0x8f |"IOAS_MAP_FILE' ;;
	IOAS_MAP*)			echo '(ioas map|object raw 0x85) |"IOAS_MAP ' ;;
	IOAS_UNMAP)			echo '(ioas unmap|object raw 0x86) |"IOAS_UNMAP' ;;
	OPTION)				echo '(object option|object raw 0x87) |"OPTION' ;;
	VFIO_IOAS)			echo '(ioas compat|object raw 0x88)' ;;
	HWPT_ALLOC*)			echo '(hwpt alloc|object raw 0x89) ' ;;
	GET_HW_INFO)			echo '(device hwinfo|object raw 0x8a) ' ;;
	HWPT_SET_DIRTY_TRACKING)	echo '(hwpt dirty [^ ]* (on|off)|object raw 0x8b )' ;;
	HWPT_GET_DIRTY_BITMAP)		echo '(hwpt dirty [^ ]* read|object raw 0x8c) ' ;;
	HWPT_INVALIDATE)		echo '(hwpt invalidate|object raw 0x8d) ' ;;
	FAULT_QUEUE_ALLOC)		echo '(faultq alloc|object raw 0x8e) |"FAULT_QUEUE_ALLOC' ;;
	VIOMMU_ALLOC)			echo '(viommu alloc|object raw 0x90) ' ;;
	VDEVICE_ALLOC)			echo '(vdevice alloc|object raw 0x91) ' ;;
	IOAS_CHANGE_PROCESS)		echo '(ioas change-process|object raw 0x92 )' ;;
	VEVENTQ_ALLOC)			echo '(veventq alloc|object raw 0x93) ' ;;
	HW_QUEUE_ALLOC)			echo '(hwqueue alloc|object raw 0x94) ' ;;
	*ADD_RESERVED)			echo 'mock reserve ' ;;
	*MOCK_DOMAIN)			echo 'device open mock:' ;;
	*MD_CHECK_IOTLB)		echo 'mock iotlb ' ;;
	*TRIGGER_VEVENT)		echo 'mock event ' ;;
	*PASID_ATTACH)			echo 'device attach [^ ]* [^ ]* --pasid ' ;;
	TEST_CMD)			echo 'object raw 0xa0 ' ;;
	"read of a queue")		echo '"read ' ;;
	"write to a queue")		echo '"write ' ;;
	BIND_IOMMUFD*)			echo 'device open [^ ]* as |"BIND|"bind' ;;
	"ATTACH of a PASID")		echo 'device attach [^ ]* [^ ]* --pasid ' ;;
	ATTACH*)			echo 'device attach |"ATTACH' ;;
	DETACH)				echo 'device detach |"DETACH' ;;
	"open of a group")		echo '"open of the group' ;;
	SET_CONTAINER)			echo '"SET_CONTAINER' ;;
	SET_IOMMU)			echo '"SET_IOMMU' ;;
	GET_DEVICE_FD)			echo '"GET_DEVICE_FD' ;;
	UNSET_CONTAINER)		echo '"UNSET_CONTAINER' ;;
	MAP_DMA)			echo 'device map |"MAP_DMA' ;;
	UNMAP_DMA)			echo 'device unmap |"UNMAP_DMA' ;;
	*)				return 1 ;;
	esac
}

# rows LIST: its rows, with one tab between the columns
rows() {
	sed '/^#/d; s/\t\t*/\t/g' "$SRC/tests/conformance/$1"
}

@test "each errno is reached where tests/conformance/errnos says, by the call that it says" {
	local what errno where bad=0 n=0 call

	while IFS=$'\t' read -r what errno where; do
		n=$((n + 1))
		call=$(calls "$what") || { echo "$what: which commands make it?"; bad=1; }
		case $where in
		'-- '?*)	continue ;;
		*.iommu)	grep -qE "^expect $errno ($call)" "$SRC/tests/$where" ;;
		*.c)		grep -E "(-|[^A-Z])$errno\\b" "$SRC/tests/$where" | grep -qE "$call" ;;
		*)		grep -qE "\\b$errno\\b" "$SRC/tests/$where" ;;
		esac || { echo "$what $errno: not in $where"; bad=1; }
	done < <(rows errnos)
	[ $n -gt 100 ] && [ $bad -eq 0 ]
}

@test "each flag is set where tests/conformance/flags says, and none is missing there" {
	local flag where words bad=0 n=0

	while IFS=$'\t' read -r flag where words; do
		n=$((n + 1))
		grep -qE "\\b$flag = " "$SRC"/src/abi/*.h || { echo "$flag: src/abi does not have it"; bad=1; }
		case $where in
		'-- '?*)	continue ;;
		esac
		grep -v '^#' "$SRC/tests/$where" | grep -qF -e "$words" || { echo "$flag: no \"$words\" in $where"; bad=1; }
	done < <(rows flags)
	for flag in $(sed -n '/^#define IOMMUFD_IOCTLS/q; p' "$SRC/src/abi/iommufd.h" | grep -oE '\b[A-Z0-9_]+ = 1( << [0-9]+)?\b[^0-9]' | grep -E 'FLAG|CAP_|<<|ENABLE|NO_CLEAR' | sed 's/ .*//') \
		VFIO_DEVICE_BIND_FLAG_TOKEN VFIO_DEVICE_ATTACH_PASID VFIO_DEVICE_DETACH_PASID; do
		rows flags | grep -q "^$flag	" || { echo "$flag: not listed"; bad=1; }
	done
	[ $n -gt 20 ] && [ $bad -eq 0 ]
}
