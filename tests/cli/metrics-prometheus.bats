#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole way that a number takes: iommuctl's file, node_exporter, Prometheus, a query. All three on ports of 127.0.0.1 that are free now.
load lib

setup_file() {
	export SRC=${BATS_TEST_DIRNAME%/tests/cli}
}

# what is missing is said on the terminal too: a suite that is skipped is easily overlooked
need() {
	local p
	for p; do
		command -v "$p" >/dev/null && continue
		echo "SKIPPED: $p is not installed (Debian: prometheus prometheus-node-exporter), so Prometheus is not tested" >&3
		skip "SKIPPED: $p is not installed (Debian: prometheus prometheus-node-exporter)"
	done
}

teardown() {
	local p
	for p in ${pids:-}; do
		kill "$p" 2>/dev/null || :
		wait "$p" 2>/dev/null || :
	done
}

# a port that nobody listens on; runs side by side begin elsewhere
free_port() {
	local port=$((20000 + RANDOM % 12000))
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
	echo "$port"
}

# query EXPRESSION: "{labels} => value @[time]", one a line, without the time
query() {
	promtool query instant "http://127.0.0.1:$port" "$1" | sed 's/ @\[.*//'
}

# until_value EXPRESSION PATTERN
until_value() {
	local i
	for ((i = 0; i < 600; i++)); do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $(query "$1" 2>/dev/null) == $2 ]] && return
		sleep 0.2
	done
	printf '%s is\n%s\ninstead of\n%s\n' "$1" "$(query "$1" 2>&1)" "$2" >&2
	tail -n 5 "$BATS_TEST_TMPDIR"/*.log >&2
	return 1
}

start() {
	local exporter d=$BATS_TEST_TMPDIR
	exporter=$(free_port)
	mkdir "$d/textfile"
	prometheus-node-exporter --web.listen-address="127.0.0.1:$exporter" --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$d/textfile" >"$d/exporter.log" 2>&1 3>&- &
	pids=$!
	port=$(free_port)
	cat >"$d/prometheus.yml" <<-YML
		global: {scrape_interval: 1s}
		rule_files: ["$SRC/monitoring/iommuctl.rules.yml"]
		scrape_configs:
		  - job_name: node
		    static_configs: [{targets: ["127.0.0.1:$exporter"], labels: {instance: lab}}]
	YML
	promtool check config "$d/prometheus.yml"
	prometheus --config.file="$d/prometheus.yml" --storage.tsdb.path="$d/tsdb" --web.listen-address="127.0.0.1:$port" >"$d/prometheus.log" 2>&1 3>&- &
	pids="$pids $!"
}

@test "node_exporter and Prometheus take the file, and a query returns what iommuctl says" {
	need prometheus prometheus-node-exporter promtool
	local f=$BATS_TEST_TMPDIR/textfile/iommuctl.prom
	start
	"$IOMMUCTL" --demo metrics --output "$f"
	run_ctl --demo -j group list
	until_value 'iommu_groups{verdict="in-use"}' "*instance=\"lab\"*=> $(json '[.data[] | select(.verdict == "in-use")] | length')"
	until_value 'sum(iommu_groups)' "{} => $(json '.data | length')"
	until_value 'iommu_devices{driver="nvme"}' "*=> $(json '[.data[].devices[] | select(.driver == "nvme")] | length')"
	until_value 'iommu_group_holders' '*guest="web01"*=> 1'
	until_value 'node_textfile_scrape_error' '*=> 0'
	until_value 'iommuctl_collector_success{collector="groups"}' '*=> 1'
	# every sample of the file came through
	until_value 'count({__name__=~"iommu(ctl)?_.*"})' "{} => $(grep -vc '^#' "$f")"
	# a name that holds everything that is special
	machine "$BATS_TEST_TMPDIR/odd" <<-TABLE
		0000:00:03.0 group=1 driver=e1000e
	TABLE
	mkdir -p "$BATS_TEST_TMPDIR/odd/sys/bus/pci/drivers/"$'a"b\\c\nd'
	ln -sfn $'../../../bus/pci/drivers/a"b\\c\nd' "$BATS_TEST_TMPDIR/odd/sys/devices/pci0000:00/0000:00:03.0/driver"
	"$IOMMUCTL" -q --from "$BATS_TEST_TMPDIR/odd" metrics --output "$f"
	until_value 'iommu_devices' '*driver="a\\"b\\\\c\\\\x0ad"*=> 1'
}

@test "counters that go on in the file are counters to Prometheus: increase() over runs and a reboot" {
	need prometheus prometheus-node-exporter promtool
	local f=$BATS_TEST_TMPDIR/textfile/iommuctl.prom state
	state='"lost":0,"suppressed":0,"counted":[],"faults":[{"device":"0000:01:00.0","kind":"dma","count":'
	start
	printf '# iommuctl metrics {"version":1,"boot_id":"a","next":1,%s5}]}\n' "$state" >"$f"
	"$IOMMUCTL" -q metrics --output "$f"
	until_value 'iommu_device_faults_total{kind="dma"}' '*device="0000:01:00.0"*=> 5'
	# the next run is of another boot, and finds seven more
	printf '# iommuctl metrics {"version":1,"boot_id":"b","next":1,%s12}]}\n' "$state" >"$f"
	"$IOMMUCTL" -q metrics --output "$f"
	until_value 'iommu_device_faults_total{kind="dma"}' '*=> 12'
	until_value 'max_over_time(iommu_device_faults_total{kind="dma"}[5m]) - min_over_time(iommu_device_faults_total{kind="dma"}[5m])' '*=> 7'
	until_value 'resets(iommu_device_faults_total{kind="dma"}[5m])' '*=> 0'
}

@test "the alerts fire when they should, and not when they should not" {
	need promtool
	promtool check rules "$SRC/monitoring/iommuctl.rules.yml"
	promtool test rules "$SRC/monitoring/rules-test.yml"
}

# Every metric that the alerts and the manual name is one that the program writes.
@test "no alert is on a metric that does not exist" {
	local names name
	names=$("$IOMMUCTL" --demo -j metrics | jq -r '.data[].name'
		echo node_textfile_mtime_seconds)
	while read -r name; do
		grep -qx "$name" <<<"$names" || {
			echo "$name" >&2
			return 1
		}
	done < <(grep -ohE '\b(iommu|iommuctl|node)_[a-z_]+' "$SRC/monitoring/iommuctl.rules.yml" "$SRC/man/parts/metrics.mdoc" | grep -vx node_exporter | sort -u)
}

@test "the service and the timer: systemd takes them, and the service keeps few privileges" {
	command -v systemd-analyze >/dev/null || {
		echo "SKIPPED: systemd-analyze is not installed (Debian: systemd), so the units are not tested" >&3
		skip "SKIPPED: systemd-analyze is not installed (Debian: systemd)"
	}
	local units=$BATS_TEST_TMPDIR/units service=${IOMMUCTL%/*}/monitoring/iommuctl-metrics.service
	mkdir "$units"
	# the program is not installed where the service looks
	sed "s|^ExecStart=[^ ]*|ExecStart=$IOMMUCTL|" "$service" >"$units/iommuctl-metrics.service"
	cp "$SRC/monitoring/iommuctl-metrics.timer" "$units/"
	run systemd-analyze verify --man=no "$units/iommuctl-metrics.service" "$units/iommuctl-metrics.timer"
	expect_not_in "$output" iommuctl
	run systemd-analyze security --offline=true --no-pager --threshold=30 "$units/iommuctl-metrics.service"
	[ "$status" -eq 0 ] || {
		echo "$output" >&2
		return 1
	}
	grep -q '^ConditionPathIsDirectory=/var/lib/prometheus/node-exporter$' "$service"
}
