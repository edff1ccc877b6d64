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

@test "each errno is reached where tests/conformance/errnos says" {
	local what errno where bad=0 n=0

	while IFS=$'\t' read -r what errno where; do
		n=$((n + 1))
		case $where in
		'-- '?*)	continue ;;
		*.iommu)	grep -qE "^expect $errno " "$SRC/tests/$where" ;;
		*)		grep -qE "\\b$errno\\b" "$SRC/tests/$where" ;;
		esac || { echo "$what $errno: not in $where"; bad=1; }
	done < <(sed '/^#/d; s/\t\t*/\t/g' "$SRC/tests/conformance/errnos")
	[ $n -gt 100 ] && [ $bad -eq 0 ]
}
