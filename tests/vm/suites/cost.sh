# SPDX-License-Identifier: GPL-2.0-or-later
# cost.sh: what it costs a program to be watched, on a machine whose clock counts instructions (topology counted).
#   tests/vm/run -o OUT counted 7.2-iommufd cost.sh
# shellcheck shell=bash
pairs=2000

# ns CMD…: of a map and an unmap, as map-loop says; the first run warms up
ns() {
	"$@" >/dev/null 2>&1
	"$@" 2>/dev/null | sed -n '/^[0-9]*$/p' | tail -n 1
}

row() {
	printf '%-40s %8s instructions   %s\n' "$1" "$2" "$(awk -v a="$2" -v b="$alone" 'BEGIN { printf "%.2f", a / b }')"
}

alone=$(ns map-loop $pairs)
{
	row 'IOAS map and unmap' "$alone"
	row 'under iommuctl why' "$(ns iommuctl why -- map-loop $pairs)"
	row 'under iommuctl ioctls' "$(ns iommuctl ioctls -- map-loop $pairs)"
	row 'under iommuctl ioctls --batch' "$(ns iommuctl ioctls --batch /tmp/b -- map-loop $pairs)"
} | tee /share/out/cost
