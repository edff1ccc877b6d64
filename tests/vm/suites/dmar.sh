# SPDX-License-Identifier: GPL-2.0-or-later
# dmar.sh: the firmware's DMAR table, for mkrmrr
# shellcheck shell=sh
cp /sys/firmware/acpi/tables/DMAR /share/out/DMAR
