#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is made from the rows and committed: manual pages and schemas.
load lib

setup_file() {
	export MKDOCS=${IOMMUCTL%/*}/mkdocs SRC=${BATS_TEST_DIRNAME%/tests/cli}
}

@test "the committed pages and schemas are what mkdocs makes" {
	local new=$BATS_TEST_TMPDIR/new
	mkdir -p "$new/man" "$new/docs/schema"
	"$MKDOCS" "$SRC" "$new"
	cd "$SRC"
	for f in "$new"/man/*.1 "$new"/docs/schema/*.json; do
		diff -u "${f#"$new"/}" "$f" || {
			echo "run: make docs" >&2
			return 1
		}
	done
	# and none is left over from a noun or a record that is gone
	for f in man/*.1 docs/schema/*.json; do
		[ -e "$new/$f" ]
	done
}

# Help and the fields' meanings are printed as they are, and the pages hold all of them.
@test "what the program says of itself is ASCII" {
	run env LC_ALL=C grep -n '[^ -~	]' "$SRC"/man/*.1 "$SRC"/docs/schema/*.json
	[ "$status" -eq 1 ] || {
		echo "$output" >&2
		return 1
	}
}

@test "every page is installed" {
	local makefile
	makefile=$(<"$SRC/man/Makemodule.am")
	for f in "$SRC"/man/*.1; do
		expect_in "$makefile" "man/${f##*/}"
	done
}

# who copies a value from a page into a script has it as the program writes it
@test "values keep their letters, sentences begin with a capital" {
	run grep -nE '^(Vt-d|Amd-vi|Smmuv3|Tegra241|Iommufd|Dma|Dma-api|Ready|Needs-bind|None|Success|Safe|Running|Fits|True|False|Bar0)[ ,:]' "$SRC"/man/*.1
	[ "$status" -eq 1 ] || {
		echo "$output" >&2
		return 1
	}
	grep -qx 'none, dma-api, vfio-group, iommufd; null: not known.' "$SRC/man/iommutop.1"
	grep -qx 'smmuv3 (the default), tegra241-cmdqv, selftest, or a number.' "$SRC/man/iommuctl-viommu.1"
	grep -qx 'Number of the group.' "$SRC/man/iommutop.1"
}

@test "mandoc has no complaint" {
	command -v mandoc || skip "mandoc is not installed"
	# pages refer to each other before they are installed
	run bash -c "mandoc -Tlint '$SRC'/man/*.1 2>/dev/null | grep '[.]1:[0-9]' | grep -v 'referenced manual not found'"
	[ -z "$output" ]
}

@test "iommuctl(1) has the sections that people look for" {
	for s in SYNOPSIS OPTIONS ENVIRONMENT FILES "EXIT STATUS" EXAMPLES "SEE ALSO"; do
		grep -qx ".Sh $s" "$SRC/man/iommuctl.1"
	done
}

@test "errors.md has every code, and no other" {
	local used listed
	used=$(find "$SRC/src" -name '*.c' -exec cat {} + | tr '\n' ' ' |
		grep -oE '(\.code = |ctx_warn\( *[^,()]+, *|mistake\(p, *|refuse\(s, *|move_failed\(m, *|stands_in_the_way\(o, *|cannot\(ctx, *)"[a-z0-9-]+"' |
		grep -oE '"[a-z0-9-]+"$' | tr -d '"' | sort -u)
	listed=$(grep '^| `' "$SRC/docs/schema/errors.md" | cut -d'|' -f2 | grep -oE '[a-z0-9-]+' | sort -u)
	[ "$(wc -l <<<"$used")" -gt 30 ]
	diff <(echo "$used") <(echo "$listed")
}
