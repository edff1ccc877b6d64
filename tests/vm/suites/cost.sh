# SPDX-License-Identifier: GPL-2.0-or-later
# cost.sh: what it costs a program to be watched, on a machine whose clock counts instructions (topology counted). Memory is mapped and
# unmapped a page at a time, as nobody does who wants to be fast, and in pieces as big as those that a guest's memory comes in.
#   tests/vm/run -o OUT counted 7.2-iommufd cost.sh
# shellcheck shell=bash

# ns CMD…: of a map and an unmap, as map-loop says; the first run warms up
ns() {
	"$@" >/dev/null 2>&1
	"$@" 2>/dev/null | sed -n '/^[0-9]*$/p' | tail -n 1
}

row() {
	printf '%-40s %10s instructions   %s\n' "$1" "$2" "$(awk -v a="$2" -v b="$alone" 'BEGIN { printf "%.2f", a / b }')"
}

# watched SIZE PAIRS BYTES
watched() {
	alone=$(ns map-loop "$2" "$3")
	row "map and unmap $1" "$alone"
	row "  under why" "$(ns iommuctl why -- map-loop "$2" "$3")"
	row "  under ioctls" "$(ns iommuctl ioctls -- map-loop "$2" "$3")"
	row "  under ioctls --batch" "$(ns iommuctl ioctls --batch /tmp/b -- map-loop "$2" "$3")"
}

# whole CMD…: of a program from its start to its end, that maps 512 MiB for a device, makes a nested table's parent and gives all back. The shell's
# clock has microseconds.
whole() {
	local program='s=$EPOCHREALTIME; iommuctl batch /tmp/program >/dev/null; e=$EPOCHREALTIME; echo $(((${e/./} - ${s/./}) * 1000))'

	ns "$@" bash -c "$program"
}

program() {
	{
		echo "ioas alloc as mem"
		echo "device open mock:m --to mem as m"
		for _ in 1 2 3 4 5 6 7 8; do
			echo "ioas map mem 64M"
		done
		echo "hwpt alloc mem --device m --nest-parent as parent"
		echo "device attach m parent"
		echo "ioas unmap mem --all"
	} >/tmp/program
	alone=$(whole)
	row "a program" "$alone"
	row "  under why" "$(whole iommuctl why --)"
	row "  under ioctls" "$(whole iommuctl ioctls --)"
	row "  under ioctls --batch" "$(whole iommuctl ioctls --batch /tmp/b --)"
}

{
	program
	watched '4 KiB' 50000 4096
	watched '2 MiB' 2000 2097152
	watched '64 MiB' 10 67108864
} | tee /share/out/cost
