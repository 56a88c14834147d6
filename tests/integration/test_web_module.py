# SPDX-License-Identifier: Apache-2.0
"""The browser's client in Node.js: its own tests (tests/web/*.test.mjs) against real nodes, which
they may kill through a control server; its types; and the package that npm makes of it."""

import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

from harness import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "web"
PACKAGE = BUILD / "web"
TIMEOUT_S = 120


def run(*command, timeout=TIMEOUT_S, **arguments):
    """Its output; fails the test when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        **arguments,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


class Control:
    """POST /NODE/WHAT does that to a node; the answer is where all of them listen."""

    def __init__(self, cluster):
        self.nodes = {node.name: node for node in cluster.nodes}
        control = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                name, what = self.path.strip("/").split("/")
                try:
                    control.order(name, what)
                    status, body = 200, json.dumps(control.urls())
                except Exception as error:  # told to the test, which fails with it
                    status, body = 500, repr(error)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def order(self, name, what):
        node = self.nodes[name]
        if what == "start":
            others = [other for other in self.nodes.values() if other.is_running()]
            node.start(others[:1])
        else:
            {"kill": node.kill, "stop": node.stop, "freeze": node.freeze, "thaw": node.thaw}[what]()

    def urls(self):
        return {name: f"http://{node.http}" for name, node in self.nodes.items()}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def node_tests(name, cluster=None, nodes=0):
    """Runs one file of tests, with so many nodes."""
    environment = {**os.environ, "AURORA_BUILD": str(BUILD)}
    control = None
    if nodes:
        cluster.start(nodes)
        control = Control(cluster)
        environment |= {
            "AURORA_CONTROL": control.url,
            "AURORA_NODES": json.dumps(control.urls()),
        }
    try:
        output = run("node", TESTS / f"{name}.test.mjs", env=environment, cwd=ROOT)
    finally:
        if control:
            control.close()
    counts = dict(re.findall(r"^\S+ (pass|fail|cancelled|skipped) (\d+)$", output, re.M))
    assert int(counts.pop("pass")) > 0 and set(counts.values()) == {"0"}, output


# --- The module ---


def test_vectors():
    node_tests("vectors")


def test_errors():
    node_tests("errors")


def test_functions_of_the_original(cluster):
    node_tests("functions", cluster, 1)


def test_client_with_three_nodes(cluster):
    node_tests("client", cluster, 3)


def test_stream_from_servers_that_misbehave():
    node_tests("stream")


def test_watch_with_three_nodes(cluster):
    node_tests("watch", cluster, 3)


# --- Its types ---


@pytest.mark.skipif(shutil.which("tsc") is None, reason="no TypeScript here (node-typescript)")
def test_types_say_what_there_is(tmp_path):
    library = tmp_path / "node_modules" / "aurora-p2p"
    shutil.copytree(PACKAGE, library)
    shutil.copy(TESTS / "types.mts", tmp_path)
    options = {"strict": True, "noEmit": True, "target": "es2022", "types": []}
    options |= {"lib": ["es2022", "dom", "dom.iterable"], "module": "node16"}
    project = {"compilerOptions": options, "files": ["types.mts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(project))
    run("tsc", "--project", tmp_path)


def test_everything_exported_is_declared():
    exported = run(
        "node",
        "--input-type=module",
        "--eval",
        f"import * as a from '{(PACKAGE / 'aurora.js').as_uri()}'; "
        "console.log(JSON.stringify(Object.keys(a)))",
    )
    declared = (PACKAGE / "aurora.d.ts").read_text()
    for name in json.loads(exported):
        assert re.search(rf"^export (class|function) {name}\b", declared, re.M), name


# --- The package ---


@pytest.fixture
def npm(tmp_path):
    """npm in a home of its own, which asks no registry for anything."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here")
    environment = {**os.environ, "HOME": str(tmp_path), "npm_config_update_notifier": "false"}

    def call(*words, cwd):
        return run("npm", "--offline", "--no-audit", "--no-fund", *words, cwd=cwd, env=environment)

    return call


def test_the_package_is_packed_installed_and_imported(npm, tmp_path):
    packed = json.loads(npm("pack", "--json", "--silent", "--pack-destination", tmp_path,
                            cwd=PACKAGE))[0]
    names = {entry["path"] for entry in packed["files"]}
    assert {"aurora.js", "aurora.wasm", "aurora.d.ts", "timers_worker.js", "README.md"} <= names
    sources = {path.name for path in PACKAGE.glob("*.js")}
    assert sources <= names
    assert not any(name.startswith(("pages", "wasm/")) or name.endswith(".c") for name in names)

    app = tmp_path / "app"
    app.mkdir()
    (app / "package.json").write_text('{"private": true, "type": "module"}')
    npm("install", tmp_path / packed["filename"], cwd=app)
    (app / "main.js").write_text(
        "import { Core, DiscoveryClient } from 'aurora-p2p';\n"
        "const core = await Core.load();\n"
        "core.check({ peerId: 'p', address: 'h', port: 1, ttlSeconds: 60 });\n"
        "console.log(new DiscoveryClient({ endpoints: 'http://h' }).peerId);\n"
    )
    assert run("node", "main.js", cwd=app).startswith("peer-")


def test_without_the_module_nothing_is_packed(npm, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "web")
    (tmp_path / "web" / "aurora.wasm").write_bytes(b"not a module")
    with pytest.raises(AssertionError, match="make wasm"):
        npm("pack", "--json", cwd=tmp_path / "web")
