# SPDX-License-Identifier: Apache-2.0
"""aurora-sim as a user meets it: its command line, its files, its exit statuses."""

import csv
import json
import os
import pathlib
import pty
import re
import shlex
import shutil
import signal
import subprocess
import xml.etree.ElementTree

import pytest

from harness import BUILD, wait_until

SIM = BUILD / "aurora-sim"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
CRASH, LIVENESS, SAFETY, INTERRUPTED = 127, 128, 129, 130
SMALL = ["--nodes", "6", "--duration", "3"]


def sim(*words, status=0, program=SIM, timeout=120, **more):
    result = subprocess.run(
        [str(program), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **more,
    )
    assert result.returncode == status, (words, result.returncode, result.stdout, result.stderr)
    return result


def report(*words, **more):
    return json.loads(sim("run", *words, "--json", "-", **more).stdout)


def trace_hash(output):
    return re.search(r"^trace +([0-9a-f]{16})$", output, re.M).group(1)


# --- What it says of itself


def test_list_names_every_scenario_in_one_line():
    lines = sim("list").stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert "idle" in names and len(names) == len(set(names))
    assert all(len(line.split(None, 1)[1]) > 10 for line in lines)


def test_help_teaches_every_command():
    whole = sim("--help").stdout
    assert whole == sim("help").stdout and "exit status" in whole
    for command in ["list", "run", "swarm", "replay", "settings"]:
        assert re.search(rf"^  {command} ", whole, re.M)
        text = sim(command, "--help").stdout
        assert text == sim("help", command).stdout
        assert text.startswith(f"usage: aurora-sim {command}")
    for option in ["--seed", "--nodes", "--duration", "--set", "--json", "--csv", "--svg"]:
        assert option in sim("run", "--help").stdout
    assert "fault" in sim("help", "trace").stdout
    assert re.fullmatch(r"aurora-sim [0-9.]+\n", sim("--version").stdout)


def test_settings_are_listed_with_unit_and_range():
    text = sim("settings").stdout
    assert re.search(r"^  latency_ms +1 +0\.\.10000 ms +one way", text, re.M)
    assert re.search(r"^  detector +aurora +aurora\|lifeguard\|swim ", text, re.M)
    assert "  cut " in text and "  cut " not in sim("settings", "idle").stdout


# --- What a run leaves


def test_json_has_the_promised_shape():
    found = report("idle", *SMALL, "--seed", "5", "--set", "loss=0.05")
    assert found["scenario"] == "idle" and found["seed"] == 5
    assert found["nodes"] == 6 and found["duration_s"] == 3
    assert found["wall_s"] > 0 and found["events"] > 100
    assert re.fullmatch(r"[0-9a-f]{16}", found["trace_hash"])
    assert found["pass"] is True
    assert list(found["checks"]) == [f"I{i}" for i in range(1, 19)]
    assert set(found["checks"].values()) <= {"held", "broken", "not checked"}
    assert found["checks"]["I18"] == "held"
    assert found["metrics"]["bytes_per_node_s"] > 0
    assert found["reference"]["bytes_per_node_s"] == 600
    assert found["settings"] == {"loss": 0.05}
    sheet = found["sheets"][0]
    assert all(len(row) == len(sheet["columns"]) for row in sheet["rows"])


def test_csv_and_svg_can_be_read_by_others(tmp_path):
    sim("run", "idle", *SMALL, "--set", "repetitions=3", "--csv", tmp_path / "a.csv", "--svg",
        tmp_path / "a.svg")  # fmt: skip
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and float(rows[2]["boot_ms"]) > 0
    root = xml.etree.ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "idle" in words and any("(s)" in word for word in words)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.svg"]


def test_trace_has_a_line_for_everything_and_its_legend(tmp_path):
    file = tmp_path / "t"
    table = sim("run", "idle", *SMALL, "--set", "repetitions=2", "--trace", file).stdout
    lines = file.read_text().splitlines()
    assert file.read_text().startswith(sim("help", "trace").stdout)
    worlds = [line for line in lines if line.startswith("# world of ")]
    assert len(worlds) == 2, "one after the other"
    times, kinds = [], set()
    for line in lines[lines.index(worlds[0]) + 1 :]:
        if line.startswith("#"):
            times = []
            continue
        time, node, kind = line.split()[:3]
        assert re.fullmatch(r"\d+\.\d{6}", time) and re.fullmatch(r"n\d+|-", node)
        times.append(float(time))
        assert len(times) < 2 or times[-2] <= times[-1]
        kinds.add(kind)
    assert kinds >= {"start", "send", "receive", "tick", "event", "stop"}
    again = sim("run", "idle", *SMALL, "--set", "repetitions=2").stdout
    assert trace_hash(again) == trace_hash(table), "writing it down changes nothing"


# --- Determinism


def test_same_seed_same_hash_however_it_is_run():
    words = ["idle", *SMALL, "--set", "loss=0.1", "--set", "repetitions=4"]
    first = report(*words)
    assert report(*words)["trace_hash"] == first["trace_hash"]
    assert report(*words, "--workers", "3")["trace_hash"] == first["trace_hash"]
    assert report(*words, "--no-memo")["trace_hash"] == first["trace_hash"]
    assert report(*words, "--set", "memo=off")["trace_hash"] == first["trace_hash"]
    assert report(*words, "--seed", "2")["trace_hash"] != first["trace_hash"]
    environment = {**os.environ, "AURORA_SEED": "9"}
    assert report(*words, env=environment)["trace_hash"] == first["trace_hash"]


def test_replay_gives_the_same_hash(tmp_path):
    words = ["replay", "3", "--nodes", "5", "--minutes", "1"]

    def hash_in(output):
        return re.search(r"trace ([0-9a-f]{16})", output).group(1)

    first = hash_in(sim(*words).stdout)
    assert hash_in(sim(*words).stdout) == first
    assert hash_in(sim(*words, "--no-memo").stdout) == first
    assert hash_in(sim(*words, "--trace", tmp_path / "t").stdout) == first
    assert " event " in (tmp_path / "t").read_text()


def test_replayed_world_is_one_of_storm_too():
    for seed in (3, 8):
        first = sim("replay", seed, "--nodes", "5", "--minutes", "1").stdout
        words = shlex.split(first.splitlines()[0])
        assert words[:3] == [str(SIM), "run", "storm"]
        again = sim(*words[1:]).stdout
        assert trace_hash(again) == re.search(r"trace ([0-9a-f]{16})", first).group(1)


def test_swarm_runs_its_seeds():
    found = sim("swarm", "--seeds", "2", "--first", "11", "--nodes", "4", "--minutes", "1")
    assert re.search(r"^2 worlds, 0 failed", found.stdout, re.M), found.stdout


# --- Bad input: one line that names it and lists what would be right


@pytest.mark.parametrize(
    "words, named, right",
    [
        (["frob"], "'frob'", "replay"),
        (["run"], "scenario", "idle"),
        (["run", "frob"], "'frob'", "idle"),
        (["run", "idle", "--frob"], "'--frob'", "--seed"),
        (["run", "idle", "--seeds", "3"], "'--seeds'", "--seed"),
        (["run", "idle", "--set", "frob=1"], "'frob'", "loss"),
        (["run", "idle", "--set", "traitors=1"], "'traitors'", "loss"),
        (["run", "idle", "--set", "loss=2"], "loss is '2'", "0 to 1"),
        (["run", "idle", "--set", "loss"], "loss", "loss=VALUE"),
        (["run", "idle", "--set", "detector=raft"], "'raft'", "lifeguard"),
        (["run", "idle", "--set", "repetitions=1.5"], "'1.5'", "whole number"),
        (["run", "idle", "--seed", "x"], "--seed is 'x'", "18446744073709551615"),
        (["run", "idle", "--seed", "-1"], "--seed is '-1'", "from 1"),
        (["run", "idle", "--seed"], "--seed", "VALUE"),
        (["run", "idle", "--seed", "1", "--seed=2"], "--seed", "once"),
        (["run", "idle", "--nodes", "0"], "--nodes is '0'", "16384"),
        (["run", "idle", "--nodes", "99999"], "--nodes is '99999'", "16384"),
        (["run", "idle", "--duration", "0"], "--duration is '0'", "0.001"),
        (["run", "idle", "--cell", "1"], "--cell is '1'", "0 to 0"),
        (["run", "idle", "--workers", "0"], "--workers is '0'", "from 1"),
        (["run", "idle", "more"], "'more'", "help run"),
        (["run", "idle", "--json", "a", "--csv", "a"], "'a'", "file of its own"),
        (["list", "--frob"], "'--frob'", "none"),
        (["replay"], "seed", "SEED"),
        (["replay", "x"], "'x'", "from 1"),
        (["swarm", "--seeds", "0"], "--seeds is '0'", "from 1"),
        (["help", "frob"], "'frob'", "help"),
        (["settings", "frob"], "'frob'", "idle"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, named, right, tmp_path):
    result = sim(*words, status=1, cwd=tmp_path)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert named in result.stderr and right in result.stderr, result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("option", ["--json", "--csv", "--svg", "--trace"])
def test_unwritable_output_is_said_before_the_run(option, tmp_path):
    # An hour of virtual time of thousands of nodes: it would be noticed if it ran.
    words = ["run", "idle", "--nodes", "5000", "--duration", "3600", option]
    for path in [tmp_path / "no" / "where", tmp_path]:
        result = sim(*words, path, status=1, timeout=20)
        assert result.stderr.count("\n") == 1 and str(path) in result.stderr
        assert option in result.stderr and result.stdout == ""


def test_unwritable_output_of_the_swarm_is_said_before_it_runs(tmp_path):
    for words in (["replay", "1", "--minutes", "9999", "--trace"], ["swarm", "--json"]):
        result = sim(*words, tmp_path / "no" / "where", status=1, timeout=20)
        assert result.stderr.count("\n") == 1 and words[-1] in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize("option", ["--json", "--csv", "--svg", "--trace"])
def test_full_disk_is_no_success(option):
    result = sim("run", "idle", *SMALL, option, "/dev/full", status=1)
    assert "written" in result.stderr


def test_full_stdout_is_no_success():
    with open("/dev/full", "w", encoding="utf-8") as full:
        for words in (["list"], ["settings"], ["run", "idle", *SMALL]):
            result = subprocess.run([str(SIM), *words], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=60, check=False)  # fmt: skip
            assert result.returncode == 1 and "written" in result.stderr, words


def test_old_file_stays_when_the_new_one_cannot_be_made(tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text("old")
    sim("run", "idle", *SMALL, "--json", kept, "--csv", tmp_path / "no" / "where", status=1)
    assert kept.read_text() == "old" and os.listdir(tmp_path) == ["kept.json"]


# --- Exit statuses


def repeating_command(stderr):
    return shlex.split(re.search(r"to see it again: (.*)", stderr).group(1))


def test_world_that_cannot_come_up_is_liveness_and_its_command_repeats_it(tmp_path):
    words = ["run", "idle", "--nodes", "3", "--duration", "3", "--seed", "6",
             "--set", "repetitions=2", "--set", "loss=1"]  # fmt: skip
    result = sim(*words, "--json", tmp_path / "a.json", status=LIVENESS)
    assert "seed 6" in result.stderr
    assert json.loads((tmp_path / "a.json").read_text())["pass"] is False
    command = repeating_command(result.stderr)
    assert command[:3] == [str(SIM), "run", "idle"] and command[-2:] == ["--cell", "0"]
    again = sim(*command[1:], status=LIVENESS)
    whole = {line for line in result.stderr.splitlines() if line.startswith("seed ")}
    cell = {line for line in again.stderr.splitlines() if line.startswith("seed ")}
    assert cell and cell <= whole, "the same world, to the microsecond"


def children(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def long_run(*more):
    return subprocess.Popen(
        [str(SIM), "run", "idle", "--nodes", "300", "--duration", "1000000", *map(str, more)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


def test_crash_of_a_world_is_a_crash_of_the_run():
    process = long_run("--seed", "8", "--workers", "1")
    (world,), _ = wait_until(lambda: children(process), 20, "its world runs")
    os.kill(world, signal.SIGSEGV)
    out, err = process.communicate(timeout=30)
    assert process.returncode == CRASH, (out, err)
    assert "crash" in err and "seed 8" in err
    assert repeating_command(err)[-2:] == ["--cell", "0"]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(") ", 1)[1][0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_world_outlives_the_run(how, tmp_path):
    process = long_run("--set", "repetitions=2", "--workers", "2", "--json", tmp_path / "a.json")
    worlds, _ = wait_until(
        lambda: len(children(process)) == 2 and children(process), 20, "both worlds run"
    )
    process.send_signal(how)
    process.communicate(timeout=30)
    assert process.returncode == (INTERRUPTED if how != signal.SIGKILL else -signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, worlds)), 10, "the worlds ended")
    if how != signal.SIGKILL:
        assert os.listdir(tmp_path) == [], "nothing half-written"


def test_interrupted_trace_keeps_what_it_has(tmp_path):
    file = tmp_path / "t"
    process = long_run("--trace", file)
    wait_until(
        lambda: any(path.stat().st_size > 100000 for path in tmp_path.iterdir()), 30, "lines"
    )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert file.read_text().endswith("\n") and os.listdir(tmp_path) == ["t"]


def mutant(folder, source, line, fault):
    """aurora-sim with one line of one of the core's sources changed."""
    flags = (BUILD / "flags").read_text().split()
    compiler, flags = flags[0], flags[1:]
    text = (SOURCE / source).read_text()
    assert text.count(line) == 1, f"{source} has changed: choose another line for this test"
    (folder / "mutant.c").write_text(text.replace(line, fault))
    keep = [word for word in flags if not word.startswith(("-Wl", "-Werror"))]
    subprocess.run(
        [compiler, *keep, f"-I{SOURCE}", "-D_POSIX_C_SOURCE=200809L", "-c", "-o",
         folder / "mutant.o", folder / "mutant.c"], check=True, cwd=SOURCE)  # fmt: skip
    shutil.copy(BUILD / "libaurora-gossip.a", folder / "core.a")
    subprocess.run(["ar", "d", folder / "core.a", source.split("/")[1][:-1] + "o"], check=True)
    libraries = ["-lmsgpackc", "-lsodium", "-lm", "-lpthread"]
    subprocess.run(
        [compiler, "-o", folder / "mutant", *[w for w in keep if w.startswith("-fsan")],
         BUILD / "sim" / "main.o", BUILD / "libaurora-sim.a", folder / "mutant.o",
         folder / "core.a", BUILD / "libaurora-crypto.a", *libraries], check=True)  # fmt: skip
    return folder / "mutant"


def test_broken_core_is_safety(tmp_path):
    program = mutant(
        tmp_path,
        "gossip/outbox.c",
        "uint64_t counter = ++outbox->nonce_counter;",
        "uint64_t counter = ++outbox->nonce_counter / 64;",
    )
    words = ["run", "idle", *SMALL, "--seed", "4"]
    result = sim(*words, program=program, status=SAFETY)
    assert "I18" in result.stderr and "seed 4" in result.stderr
    assert re.search(r"^broken +I18 \(\d+ times\)", result.stdout, re.M)
    command = repeating_command(result.stderr)
    again = sim(*command[1:], program=program, status=SAFETY)
    assert again.stderr.splitlines()[0] == result.stderr.splitlines()[0]
    sim(*words)


# --- On a terminal


def test_progress_is_for_terminals_only():
    assert sim("run", "idle", *SMALL).stderr == ""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(SIM), "run", "idle", "--nodes", "300", "--duration", "1000000"],
        stdout=subprocess.DEVNULL, stderr=theirs)  # fmt: skip
    os.close(theirs)
    shown = b""
    while b" so far" not in shown:
        shown += os.read(ours, 1000)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert re.search(rb"idle: 0 of 1 worlds done, \d+ s simulated; \d+ s so far", shown)
    while True:
        try:
            more = os.read(ours, 1000)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(ours)
    assert shown.endswith(b"\r\x1b[K"), "and the line is taken away"


# --- One core for both programs


def members_of_core(program):
    """The code bytes of each of the core's functions in a program, by name."""
    symbols = subprocess.run(["nm", "-S", "--defined-only", program], capture_output=True,
                             text=True, check=True).stdout  # fmt: skip
    return {
        words[3]: int(words[1], 16)
        for words in map(str.split, symbols.splitlines())
        if len(words) == 4 and words[2] in "Tt"
    }


def core_archive_on_link_line(program):
    listed = subprocess.run(
        ["make", "-n", "-B", "V=1", f"BUILD={BUILD}", str(BUILD / program)],
        capture_output=True, text=True, check=True, cwd=SOURCE).stdout  # fmt: skip
    (line,) = [line for line in listed.splitlines() if f" -o {BUILD / program} " in line]
    return [word for word in line.split() if "gossip" in word], listed


def test_simulator_and_daemon_are_linked_with_the_same_core():
    daemon, of_daemon = core_archive_on_link_line("aurora-node")
    simulator, of_simulator = core_archive_on_link_line("aurora-sim")
    assert daemon == simulator == [str(BUILD / "libaurora-gossip.a")]

    def compiled(listed):
        return {line for line in listed.splitlines() if re.search(r" -c .* gossip/\w+\.c", line)}

    assert compiled(of_daemon) == compiled(of_simulator) and len(compiled(of_daemon)) > 20
    assert not any(re.search(r"-D\w*SIM", line) for line in compiled(of_simulator))


def test_every_function_of_the_core_is_as_long_in_both_programs():
    core = subprocess.run(["nm", "-g", "--defined-only", BUILD / "libaurora-gossip.a"],
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    names = {line.split()[2] for line in core.splitlines() if re.match(r"\w+ T ", line)}
    daemon, simulator = members_of_core(BUILD / "aurora-node"), members_of_core(SIM)
    both = names & set(daemon) & set(simulator)
    assert {"gossip_receive", "gossip_tick", "gossip_next_packet"} <= both
    assert all(daemon[name] == simulator[name] for name in both)
