# SPDX-License-Identifier: GPL-2.0-or-later
# show.sh: the groups of a lab machine and their reserved regions, for people
# shellcheck shell=sh
for d in /sys/kernel/iommu_groups/*/devices/*; do
	[ -e "$d" ] || continue
	g=${d#/sys/kernel/iommu_groups/}
	driver=$(readlink "$d/driver")
	echo "${g%%/*} ${d##*/} ${driver##*/} $(cat "$d/class" "$d/vendor" "$d/device" 2>/dev/null | tr '\n' ' ')"
done | sort -n
for r in /sys/kernel/iommu_groups/*/reserved_regions; do
	[ ! -e "$r" ] || cat "$r"
done | sort -u
