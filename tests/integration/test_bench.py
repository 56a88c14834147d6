# SPDX-License-Identifier: Apache-2.0
"""The benchmarks' own arithmetic: outputs of load generators are understood or refused, demands
are compared as they say, and the table and the JSON show what was measured."""

import json
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

import loads  # noqa: E402
import measure  # noqa: E402
import rivals  # noqa: E402
import serf  # noqa: E402
import size  # noqa: E402
import table  # noqa: E402

WRK = """Running 1s test @ http://127.0.0.1:35897
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.49ms    1.05ms  10.42ms   90.39%
    Req/Sec    45.06k     4.74k   51.03k    50.00%
  Latency Distribution
     50%  990.00us
     75%    1.58ms
     90%    2.33ms
     99%    6.18ms
  44832 requests in 1.00s, 20.56MB read
Requests/sec:  44742.47
Transfer/sec:     20.52MB
"""

H2LOAD = """starting benchmark...
Application protocol: h2c

finished in 1.00s, 4.00 req/s, 277.60KB/s
requests: 4 total, 4 started, 4 done, 4 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 277.60KB (284264) total, 187.50KB (192000) headers (space savings 51.02%), 80B (80) data
                     min         max         mean         sd        +/- sd
time for request:       35us     14.11ms       359us      1.18ms    93.60%
"""
H2LOAD_LOG = "17\t200\t1000\n18\t200\t2000\n19\t200\t3000\n20\t200\t9000\n"

REDIS = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms",'
    '"p99_latency_ms","max_latency_ms"\n'
    '"HVALS of-100","18115.94","2.146","0.432","1.319","6.407","8.751","11.823"\n'
)

SERF = """[2026-11-22 21:58:30 +0000 UTC][G] 'serf-agent.runtime.alloc_bytes': 2298720.000
[2026-11-22 21:58:30 +0000 UTC][C] 'serf-agent.memberlist.udp.sent': Count: 9 Sum: 1284.000 Last
[2026-11-22 21:58:40 +0000 UTC][C] 'serf-agent.memberlist.udp.sent': Count: 11 Min: 1 Sum: 1116.000
[2026-11-22 21:58:40 +0000 UTC][C] 'serf-agent.memberlist.udp.received': Count: 11 Sum: 9999.000 L
[2026-11-22 21:58:50 +0000 UTC][C] 'serf-agent.memberlist.udp.sent': Count: 11 Sum: 1205.000 Last
"""
SERF_BEGIN_S = 1795384710  # 21:58:30


def test_wrk_is_read_with_its_units():
    assert loads.parse_wrk(WRK) == {
        "requests": 44832,
        "rps": 44742.47,
        "p50_ms": pytest.approx(0.99),
        "p99_ms": 6.18,
    }


@pytest.mark.parametrize(
    "text",
    [
        WRK + "  Non-2xx or 3xx responses: 4\n",
        WRK + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
        WRK.replace("     99%    6.18ms\n", ""),
        WRK.replace("6.18ms", "6.18parsecs"),
        WRK.replace("Requests/sec:", "Answers/sec:"),
        WRK.replace("44832 requests", "0 requests"),
        "",
    ],
)
def test_what_wrk_did_not_do_well_is_no_figure(text):
    with pytest.raises(loads.Unreadable):
        loads.parse_wrk(text)


def test_h2load_is_read_with_the_delays_of_its_log():
    seen = loads.parse_h2load(H2LOAD, H2LOAD_LOG, 20)
    assert seen == {"requests": 4, "rps": 4.0, "p50_ms": 3.0, "p99_ms": 9.0}


@pytest.mark.parametrize(
    "text, log, bytes_each",
    [
        (H2LOAD.replace("4 succeeded", "3 succeeded"), H2LOAD_LOG, 20),
        (H2LOAD.replace("4 done, 4 succ", "0 done, 0 succ"), H2LOAD_LOG, 20),
        (H2LOAD + "Process Request Failure:1\n", H2LOAD_LOG, 20),
        (H2LOAD, H2LOAD_LOG, 21),  # a failed gRPC call is a 200 without a body
        (H2LOAD, H2LOAD_LOG.replace("19\t200", "19\t500"), 20),
        (H2LOAD, "", 20),
        ("", H2LOAD_LOG, 20),
    ],
)
def test_what_h2load_did_not_do_well_is_no_figure(text, log, bytes_each):
    with pytest.raises(loads.Unreadable):
        loads.parse_h2load(text, log, bytes_each)


def test_redis_benchmark_is_read():
    assert loads.parse_redis(REDIS) == {"rps": 18115.94, "p50_ms": 1.319, "p99_ms": 8.751}


@pytest.mark.parametrize(
    "text",
    [
        "",
        REDIS.splitlines()[0] + "\n",
        REDIS.replace('"rps"', '"speed"'),
        REDIS.replace("18115.94", "ERR unknown command"),
        REDIS + REDIS.splitlines()[1] + "\n",
    ],
)
def test_what_redis_benchmark_did_not_do_well_is_no_figure(text):
    with pytest.raises(loads.Unreadable):
        loads.parse_redis(text)


def test_of_serf_the_whole_intervals_count():
    found = serf.parse_sent(SERF, SERF_BEGIN_S + 1, SERF_BEGIN_S + 30)
    assert found == [1116.0, 1205.0]
    assert serf.parse_sent(SERF, SERF_BEGIN_S + 11, SERF_BEGIN_S + 29) == []


def test_the_medians_of_the_rounds_are_compared():
    found = table.row("reads", [90, 110, 100], [40, 50, 60], "nginx", "ratio >= 1.9")
    assert (found["value"], found["rival"], found["ratio"]) == (100, 50, 2)
    assert found["holds"] is True
    assert found["rounds"] == [90, 110, 100] and found["rival_rounds"] == [40, 50, 60]


@pytest.mark.parametrize(
    "demand, value, rival, expected",
    [
        ("value <= 15", 15, None, True),
        ("value <= 15", 15.1, None, False),
        ("value >= 25000", 24999, None, False),
        ("ratio <= 1.2", 12, 10, True),
        ("ratio <= 1.2", 13, 10, False),
        ("ratio >= 0.95", 5, None, None),  # the rival is not installed
        ("", 5, 1, None),
    ],
)
def test_demands_mean_what_they_say(demand, value, rival, expected):
    assert table.row("x", value, rival, demand=demand)["holds"] is expected


def test_a_demand_that_nobody_understands_is_refused():
    with pytest.raises(ValueError):
        table.row("x", 1, demand="faster than light")


def test_the_table_and_the_json_show_ours_theirs_ratio_and_demand(tmp_path):
    rows = [
        table.row("reads, requests/s", [134000.0], [87400.0], "nginx", "ratio >= 0.95"),
        table.row("deaths", 0, demand="value <= 0"),
        table.row("without a rival, ms", 2.04),
    ]
    text = list(table.lines(rows))
    shown = [" ".join(line.split()) for line in text[1:]]
    assert shown == [
        "reads, requests/s 134,000 87,400 1.53 ratio >= 0.95 yes nginx",
        "deaths 0 - - value <= 0 yes",
        "without a rival, ms 2.04 - -",
    ]
    table.write_json(tmp_path / "bench.json", rows, ["no serf here"])
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["rows"] == rows and written["skipped"] == ["no serf here"]
    assert written["machine"]["cores"] >= 1


def test_rounds_are_taken_in_turns():
    called = []
    results = measure.in_turns(
        {name: lambda name=name: called.append(name) or {"rps": 1} for name in "ab"}, 3
    )
    assert called == list("ababab")
    assert measure.column(results, "a", "rps") == [1, 1, 1]
    assert measure.column(results, "c", "rps") is None


def test_a_rival_that_is_not_installed_is_named_with_its_package(capsys):
    class Absent(rivals.Server):
        program, package = "no-such-server-anywhere", "some-package"

    assert rivals.optional(None, Absent, "/tmp") is None
    said = "no no-such-server-anywhere here; sudo apt-get install some-package"
    assert said in capsys.readouterr().err
    assert said in rivals.missing_notes


def test_protocol_buffers_and_redis_commands_are_encoded():
    assert rivals.protobuf({1: b"ab", 2: 300}) == b"\x0a\x02ab\x10\xac\x02"
    assert rivals.Etcd.range_of(b"/a/") == b"\x0a\x03/a/\x12\x03/a0"
    assert rivals.resp("GET", b"k", 12) == b"*3\r\n$3\r\nGET\r\n$1\r\nk\r\n$2\r\n12\r\n"


def test_turns_of_a_loop_are_bounded_from_above():
    before = {0.001: 10, 0.005: 10, float("inf"): 10}
    after = {0.001: 900, 0.005: 1009, float("inf"): 1010}
    assert size.turns_within_ms(before, after, 0.5) == 1
    assert size.turns_within_ms(before, after, 0.99) == 5
    assert size.turns_within_ms(before, after, 1) is None
