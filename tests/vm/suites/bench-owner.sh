# SPDX-License-Identifier: GPL-2.0-or-later
# bench-owner.sh: what reading the owners costs on a real kernel. tests/bench/walk has to be built (make tests/bench/walk).
#
#	tests/vm/run -o OUT vtd 7.2-iommufd bench-owner.sh && valgrind --tool=callgrind tests/bench/walk OUT/kernel
#
# Times are those of an emulated machine; calls and bytes are not, and the second command counts instructions.
# shellcheck shell=bash
set -eu
walk
walk
mkdir -p /share/out/kernel/sys/kernel/btf /share/out/kernel/proc
cat /sys/kernel/btf/vmlinux >/share/out/kernel/sys/kernel/btf/vmlinux
cat /proc/kallsyms >/share/out/kernel/proc/kallsyms
