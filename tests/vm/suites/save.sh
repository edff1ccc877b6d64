# SPDX-License-Identifier: GPL-2.0-or-later
# save.sh: bring the machine into the state $LAB_STATE, and save a snapshot of it. For mkhosts.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR source=lab.bash
. /share/suites/lab.bash

case ${LAB_STATE:-fresh} in
fresh)	;;
half)	# the first endpoint of every group on vfio-pci
	for g in $(lab_groups); do
		for d in $(lab_endpoints "$g" | head -n 1); do
			lab_move "$d"
		done
	done ;;
*)	echo "save.sh: $LAB_STATE: no such state" >&2
	exit 1 ;;
esac
exec iommuctl snapshot save /share/out/machine.snap
