#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# conformance.bats: the scripts of tests/conformance on this kernel and on the model of this machine: every expectation in them
# holds on both, and both answer the same, line by line. Ids are the kernel's and are not compared: objects have names.
#
#	any	needs no device
#	mock	selftest devices
#	device	DEVICE, alone in its group, on vfio-pci
#	pair	DEVICE and TWIN, a group of two, on vfio-pci
#	legacy	DEVICE, by group and container
#	vtd	as device, on VT-d alone; amd, virtio-iommu: the same
#
# A script's second line may name ioctls by their numbers. "# ioctls 0x90": where the kernel is without one of them, expectations do not
# hold, and both still have to answer the same, since the model goes by which ioctls there are. "# only 0x94": older kernels answer
# otherwise, and the model does not: not run there.

# functions that bats calls; variables of lab.bash
# shellcheck disable=SC2317,SC2154
load lab

scripts=/usr/share/conformance

# lacks WORD SCRIPT: this kernel is without an ioctl that the script names behind that word. One that is there finds nothing too short
lacks() {
	local numbers

	numbers=$(sed -n "s/^# $1 //p" "$2")
	[ -n "$numbers" ] || return
	# shellcheck disable=SC2086
	printf 'object raw %s u32:0\n' $numbers | iommuctl -j batch --keep-going - 2>/dev/null |
		jq -es 'any(.[].errors[]; .errno == "ENOTTY")' >/dev/null
}

# run SIDE OPTIONS... SCRIPT: its documents behind a line with its name, and what went wrong
run_on() {
	local side=$1 script=${*: -1} rc=0

	shift
	echo "\"${script##*/}\"" >>"$d/$side.json"
	iommuctl -j "${@:1:$# - 1}" batch --keep-going "$script" >>"$d/$side.json" 2>"$d/err" || rc=$?
	[ $rc -eq 0 ] || [ -n "${lacking:-}" ] || { echo "$side: ${script##*/}: $rc"; cat "$d/err"; } >>"$d/wrong"
}

# normal SIDE: the documents without what tells machines and runs apart, each behind its script's name and its number in it
# an SMMU's registers are in no file: a model of it makes some up
normal() {
	jq -c 'if type == "string" then . else [.schema, (.data | walk(if type == "object" then del(.id, .parent_id) else . end) |
			map(if type == "object" and .kind == "smmuv3" then del(.registers, .fields, .nesting, .nesting_why) else . end)),
		[.errors[] | [.code, .errno, .what]]] end' "$d/$1.json" | grep -v '^\["iommuctl.batch/1"' |
		awk '/^"/ { name = $0; n = 0; next } { print name, ++n, $0 }' >"$d/$1"
}

# all FOLDER: every script of it, on both
all() {
	local d=$BATS_TEST_TMPDIR f n=0 without=0 lacking

	: >"$d/wrong"
	for f in "$scripts/$1"/*.iommu; do
		! lacks only "$f" || continue
		lacking=''
		! lacks ioctls "$f" || lacking=yes
		[ -z "$lacking" ] || without=$((without + 1))
		n=$((n + 1))
		run_on kernel "$f"
		run_on model -M "$f"
	done
	normal kernel
	normal model
	echo "$n scripts, $without of them without an ioctl, $(wc -l <"$d/kernel") answers"
	cat "$d/wrong"
	diff "$d/kernel" "$d/model" && [ $n -gt 0 ] && [ ! -s "$d/wrong" ]
}

# with FOLDER DEV...: its scripts with these devices on vfio-pci
with() {
	local -A was
	local d rc=0 folder=$1

	shift
	for d; do
		was[$d]=$(lab_driver "$d")
		lab_move "$d"
	done
	DEVICE=$1 TWIN=${2:-} WINDOW=$(lab_window "$1") BEFORE=$(printf '0x%x' $(($(lab_window "$1") - 4096))) all "$folder" || rc=$?
	for d; do
		lab_return "$d" "${was[$d]}"
	done
	return $rc
}

setup() {
	lab_tool
	[ -n "$(ls "$groups" 2>/dev/null)" ] || no_iommu=yes
}

@test "without a device" {
	# the same everywhere: once is enough
	[ -n "${no_iommu:-}" ] || skip "where there is no IOMMU"
	all any
}

@test "selftest devices" {
	# on 6.12 there is no mock beside an IOMMU, later it is the same everywhere
	[ -n "${no_iommu:-}" ] || skip "where there is no IOMMU"
	all mock
}

@test "one device" {
	[ -z "${no_iommu:-}" ] || skip "no IOMMU here"
	with device 0000:01:00.0
}

@test "one device, by group and container" {
	[ -z "${no_iommu:-}" ] || skip "no IOMMU here"
	with legacy 0000:01:00.0
}

@test "a group of two" {
	local g

	[ -z "${no_iommu:-}" ] || skip "no IOMMU here"
	for g in $(lab_groups); do
		# shellcheck disable=SC2046
		set -- $(lab_endpoints "$g")
		[ $# -eq 2 ] || continue
		with pair "$@"
		return
	done
	return 1
}

@test "what this IOMMU alone can, and cannot" {
	[ -d "$scripts/$LAB_TOPOLOGY" ] || skip "no scripts for $LAB_TOPOLOGY alone"
	with "$LAB_TOPOLOGY" 0000:01:00.0
}
