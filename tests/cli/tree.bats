#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# group tree: the hierarchy as a table, as JSON and for Graphviz.
load lib

setup() {
	M=$BATS_TEST_TMPDIR/m
	machine "$M" <<-'END'
		0000:00:00.0 type=pci group=0 class=060000
		0000:00:03.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:03.0/0000:01:00.0 group=2 driver=nvme class=010802
		0000:00:06.0 type=root-port group=4 driver=pcieport
		0000:00:06.0/0000:04:00.0 group=4 driver=e1000e
		0000:00:07.0 type=root-port acs=1f/11 group=5
		0000:00:0e.0 type=rc-endpoint group=7 driver=vmd
		0000:00:0e.0/pci10000:e0/10000:e0:06.0 type=root-port config=64 group=7
		0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0 group=7 driver=nvme
		0000:40:01.0 type=root-port acs=1d/1d
		other platform sys/devices/platform/a.gpu group=12 driver=panfrost
		other platform sys/devices/platform/nogroup.uart
	END
}

tree() {
	run_ctl --from "$M" group tree "$@"
}

@test "root buses, ports with what they isolate, devices with their groups" {
	tree
	expect_status 0
	[ -z "$stderr" ]
	expect_in "$output" \
		"├─0000:00:03.0 *root port *ACS SV RR CR UF * 1 pcieport" \
		"│ └─0000:01:00.0 *endpoint * 2 nvme" \
		"├─0000:00:06.0 *root port *no ACS * 4 pcieport" \
		"├─0000:00:07.0 *root port *ACS SV UF, off RR CR * 5" \
		"ACS unknown (needs root)" "pci0000:40" "platform" "└─a.gpu"
	expect_not_in "$output" nogroup.uart
	# domains and root complexes at the top level, other buses last
	[ "$(grep -o '^p[a-z]*[0-9a-f:]*' <<<"$output" | paste -sd' ')" = "pci0000:00 pci0000:40 pci10000:e0 platform" ]
}

@test "the record: nodes name their parent, which came before" {
	tree -j
	expect_status 0
	expect_json '.schema' iommuctl.group.tree/1
	expect_json '.data[] | select(.node == "10000:e1:00.0") | .parent' 10000:e0:06.0
	expect_json '.data[] | select(.node == "0000:00:07.0") | [.kind, .acs, .acs_cap, .acs_ctrl, (.missing | join("+")), .isolates] | map(tostring) | join(" ")' \
		"port bits-off 0x1f 0x11 RR+CR false"
	expect_json '.data[] | select(.node == "10000:e0:06.0") | [.type, .acs, .missing, .isolates] | map(tostring) | join(" ")' \
		"null unknown null null"
	expect_json '.data[] | select(.node == "0000:40:01.0") | .group' null
	expect_json '.data as $d | [$d[] | select(.parent) | .parent as $p | any($d[]; .node == $p)] | all' true
	expect_json '[.data[] | select(.kind == "root") | .node] | join(" ")' "pci0000:00 pci0000:40 pci10000:e0"
}

@test "columns can be chosen" {
	tree --noheadings -o node,group --raw
	expect_status 0
	expect_in "$output" "0000:04:00.0 4"
	tree -o nosuch
	expect_status 2
}

# On three machines: as it is, with names made to break out of quotes, and with nothing at all.
@test "the graph is one that Graphviz takes" {
	tree --dot
	expect_status 0
	expect_in "$output" 'subgraph cluster_4 { label="group 4";' '"0000:00:06.0" -- "0000:04:00.0";' \
		'shape=box, color=red'
	[ "$(grep -c 'subgraph' <<<"$output")" -eq 7 ]
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/1.dot"
	machine "$M" <<-END
		other platform sys/devices/platform/"];a$'\e'[31m\\ group=13 driver=quote"back\\slash
	END
	tree --dot
	expect_status 0
	expect_not_in "$output" $'\e'
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/2.dot"
	mkdir "$BATS_TEST_TMPDIR/none"
	mkdir "$BATS_TEST_TMPDIR/none/sys"
	run_ctl --from "$BATS_TEST_TMPDIR/none" group tree --dot
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/3.dot"
	command -v dot || skip "graphviz is not installed, so its graphs are not tried"
	for i in 1 2 3; do
		dot -Tsvg -o "$BATS_TEST_TMPDIR/$i.svg" "$BATS_TEST_TMPDIR/$i.dot"
	done
	# every device is a node of the drawing, and every group a cluster
	[ "$(grep -c 'class="cluster"' "$BATS_TEST_TMPDIR/1.svg")" -eq 7 ]
	[ "$(grep -c 'class="node"' "$BATS_TEST_TMPDIR/1.svg")" -eq 15 ]
}

@test "a graph is no JSON" {
	tree --dot -j
	expect_status 2
	expect_json '.errors | length' 1
	tree something
	expect_status 2
}

@test "a port whose config space is broken is still listed" {
	: >"$M/sys/devices/pci0000:00/0000:00:06.0/config"
	head -c 4096 /dev/zero | tr '\0' '\377' >"$M/sys/devices/pci0000:00/0000:00:07.0/config"
	rm "$M/sys/devices/pci0000:00/0000:00:03.0/config"
	tree
	expect_status 0
	expect_in "$output" "ACS unknown (config space is cut)" "ACS unknown (does not answer)" "ACS unknown (no config file)" \
		"0000:04:00.0"
}
