"""Fetching from a server that fails, lies or dies, over a network that cuts, by a process that is killed."""

import csv
import email.utils
import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpcvox import cli
from hpcvox.errors import SourceError
from hpcvox.fetch.job import run
from hpcvox.fetch.settings import OptimadeSettings
from tests.support.flaky_proxy import SLOW, Handler, Proxy, proxying
from tests.support.optimade_server import good, serving

SALTS = 'id STARTS WITH "salt"'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that has rocksalts beside what comes with the package."""
    with serving(tmp_path_factory.mktemp("optimade"), good()) as url:
        yield url


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy to the server, to which nothing has happened yet."""
    with proxying(server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def undisturbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of the crystals as they come without any fault."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run(settings(server, out))
    return (out / "crystals.jsonl.gz").read_bytes()


def settings(url: str, out: Path, **more: Any) -> OptimadeSettings:
    return OptimadeSettings(
        **{"url": url, "out": out, "filter": SALTS, "page_limit": 5, "pause_s": 0, "retries": 2, **more}
    )


def rewritten(key: str, value: str | int) -> Callable[[str, bytes], bytes]:
    """A change of answers: ``links.next`` or a member of ``meta`` is another."""

    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        if "/structures?" in path:
            answer["links" if key == "next" else "meta"][key] = value
        return json.dumps(answer).encode()

    return change


@pytest.mark.parametrize("fault", [503, 429, 500, "cut", "drop", "garbage"])
def test_a_passing_fault_is_asked_again(
    proxy: Proxy, undisturbed: bytes, tmp_path: Path, fault: int | str
) -> None:
    proxy.faults = [fault, None, None, fault, fault, None, fault]
    assert run(settings(proxy.url, tmp_path)).exit_status == 0
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed
    assert not proxy.faults
    assert proxy.most_at_once == 1
    assert all(headers["User-Agent"].startswith("hpcvox/") for _, _, headers in proxy.requests)


def test_a_silent_server_is_asked_again(proxy: Proxy, undisturbed: bytes, tmp_path: Path) -> None:
    proxy.faults = [None, None, "silent"]
    run(settings(proxy.url, tmp_path, timeout_s=1))
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


@pytest.mark.parametrize("fault", SLOW)
def test_a_server_that_is_slow_for_ever_is_given_up(proxy: Proxy, tmp_path: Path, fault: str) -> None:
    proxy.faults = [fault]
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no answer after 1 tries: the answer was not whole after 3 s"):
        run(settings(proxy.url, tmp_path, timeout_s=0.3, retries=0))
    assert time.monotonic() - began < 8


def test_a_server_that_was_slow_is_asked_again(proxy: Proxy, undisturbed: bytes, tmp_path: Path) -> None:
    proxy.faults = [None, None, "slow body without end"]
    run(settings(proxy.url, tmp_path, timeout_s=1))
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


@pytest.mark.parametrize("data", ["none", "the same", "without ids"])
def test_pages_without_end_and_without_anything_new_are_given_up(
    proxy: Proxy, tmp_path: Path, data: str
) -> None:
    count = itertools.count()

    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        if "/structures?" in path:
            answer["links"]["next"] = (
                f"{proxy.url}{path.partition('&_hpcvox_again')[0]}&_hpcvox_again={next(count)}"
            )
            answer["data"] = {"none": [], "the same": answer["data"][:1], "without ids": [{}]}[data]
        return json.dumps(answer).encode()

    proxy.change = change
    with pytest.raises(SourceError, match="20 pages in a row have no structure that had not come before"):
        run(settings(proxy.url, tmp_path))
    assert len(proxy.requests) in (22, 23)


def test_an_answer_of_many_parts_is_not_taken_apart(proxy: Proxy, tmp_path: Path) -> None:
    def change(path: str, body: bytes) -> bytes:
        return body.replace(b'"data"', b'"more": [' + b"[]," * 5_000_000 + b'[]], "data"')

    proxy.change = change
    with pytest.raises(SourceError, match="the answer has more than 8,000,000 commas and brackets"):
        run(settings(proxy.url, tmp_path))
    assert len(proxy.requests) == 1


def test_some_empty_pages_are_gone_over(proxy: Proxy, tmp_path: Path) -> None:
    count = itertools.count()

    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        if "/structures?" in path and next(count) < 19:
            answer |= {"data": [], "links": {"next": f"{proxy.url}{path}&_hpcvox_again=1"}}
        return json.dumps(answer).encode()

    proxy.change = change
    run(settings(proxy.url, tmp_path))
    assert json.loads((tmp_path / "fetch.json").read_text("utf-8"))["crystals"] > 0


def test_the_words_of_a_server_reach_the_terminal_escaped(
    proxy: Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.change = lambda path, body: (
        b'{"errors": [{"detail": "\\u001b]0;owned\\u0007\\u009b2J"}]}' if "/structures?" in path else body
    )
    assert cli.main(["fetch", f"url={proxy.url}", f"out={tmp_path}", "pause_s=0", "filter=nonsense"]) == 2
    said = capsys.readouterr().err
    assert r"the server answers 400 Bad Request: \x1b]0;owned\x07\x9b2J" in said
    assert "\x1b" not in said


def test_the_rest_that_a_server_asks_for_is_kept(proxy: Proxy, tmp_path: Path) -> None:
    dated = email.utils.formatdate(time.time() + 3, usegmt=True)
    proxy.faults = [(429, "2"), (503, dated)]
    run(settings(proxy.url, tmp_path))
    first, second, third = (when for when, _, _ in proxy.requests[:3])
    assert second - first >= 2
    assert third - first >= 2
    assert proxy.requests[0][1] == proxy.requests[2][1] == "/v1/info"


def test_a_rest_beyond_reason_ends_the_run(proxy: Proxy, tmp_path: Path) -> None:
    proxy.faults = [(429, "86400")]
    with pytest.raises(SourceError, match="asks for a rest of 86400 s"):
        run(settings(proxy.url, tmp_path))
    assert len(proxy.requests) == 1


def test_there_is_a_rest_between_requests(proxy: Proxy, tmp_path: Path) -> None:
    run(settings(proxy.url, tmp_path, pause_s=0.2, limit=10))
    times = [when for when, _, _ in proxy.requests]
    assert len(times) == 4
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.2


def test_a_server_that_stays_away_leaves_what_came_and_the_next_run_goes_on(
    proxy: Proxy, undisturbed: bytes, tmp_path: Path
) -> None:
    proxy.faults = [None, None, None, None, 503, 503, 503]
    with pytest.raises(
        SourceError, match=r"no answer after 3 tries: 503 .*come back later; 10 structures kept"
    ):
        run(settings(proxy.url, tmp_path))
    came = len(proxy.requests)
    run(settings(proxy.url, tmp_path, retries=0))
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed
    again = [path for _, path, _ in proxy.requests[came:] if "/structures?" in path]
    assert len(again) == 3, "pages three to five"
    assert "page_offset=10" in again[0]


def test_a_finished_fetch_asks_nobody(proxy: Proxy, tmp_path: Path) -> None:
    run(settings(proxy.url, tmp_path))
    came = len(proxy.requests)
    assert "nothing to do" in run(settings(proxy.url, tmp_path, page_limit=3)).summary
    assert len(proxy.requests) == came


def test_a_damaged_page_is_fetched_again(proxy: Proxy, undisturbed: bytes, tmp_path: Path) -> None:
    proxy.faults = [None, None, None, None, 404]
    with pytest.raises(SourceError, match="404"):
        run(settings(proxy.url, tmp_path))
    page = tmp_path / "pages" / "000002.jsonl.gz"
    page.write_bytes(page.read_bytes()[:-20])
    run(settings(proxy.url, tmp_path))
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


def test_killed_it_goes_on_to_the_same_bytes(proxy: Proxy, undisturbed: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hpcvox", "fetch", f"url={proxy.url}", f"out={out}", f"filter={SALTS}"]
    process = subprocess.Popen([*command, "page_limit=2", "pause_s=0.4"], stderr=subprocess.PIPE)
    assert process.stderr is not None
    ends = time.monotonic() + 60
    while not (out / "pages" / "000003.jsonl.gz").exists():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < ends
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (out / "crystals.jsonl.gz").exists()
    came = len(proxy.requests)
    done = subprocess.run(
        [*command, "page_limit=2", "pause_s=0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (out / "crystals.jsonl.gz").read_bytes() == undisturbed
    assert sum("/structures?" in path for _, path, _ in proxy.requests[came:]) <= len(good()) // 2 - 3


def test_told_to_stop_it_says_so_at_once(proxy: Proxy, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hpcvox", "fetch", f"url={proxy.url}", f"out={tmp_path}", "pause_s=60"],
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 60
    while not proxy.requests and time.monotonic() < ends:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert "interrupted: run the same command again" in process.communicate(timeout=20)[1]
    assert process.returncode == 75


@pytest.mark.parametrize("kind", ["string", "object", "relative"])
def test_links_of_every_form_are_followed(
    proxy: Proxy, undisturbed: bytes, tmp_path: Path, kind: str
) -> None:
    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        target = answer["links"].get("next") if "/structures?" in path else None
        if target and kind != "string":
            target = target.removeprefix(proxy.url) if kind == "relative" else target
            answer["links"]["next"] = {"href": target} if kind == "object" else target
        return json.dumps(answer).encode()

    proxy.change = change
    run(settings(proxy.url, tmp_path))
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


def test_links_that_forget_the_fields_get_them_back(proxy: Proxy, undisturbed: bytes, tmp_path: Path) -> None:
    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        target = answer["links"].get("next") if "/structures?" in path else None
        if target:
            page, _, query = target.partition("?")
            kept = [part for part in query.split("&") if not part.startswith("response_fields")]
            answer["links"]["next"] = f"{page}?{'&'.join(kept)}"
        return json.dumps(answer).encode()

    proxy.change = change
    run(settings(proxy.url, tmp_path))
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


def test_another_server_is_never_asked(proxy: Proxy, server: str, tmp_path: Path) -> None:
    with proxying(server) as stranger:
        for target in (
            f"{stranger.url}/v1/structures",
            f"http://localhost:{proxy.server_port}/v1",
            "https://127.0.0.1/",
        ):
            proxy.change = rewritten("next", target)
            with pytest.raises(SourceError, match=r"sends on to .*, which is not asked: only http://127"):
                run(settings(proxy.url, tmp_path / "out"))
        assert not stranger.requests


def test_a_redirection_is_followed_on_the_server_alone(proxy: Proxy, server: str, tmp_path: Path) -> None:
    with proxying(server) as stranger:
        leads = proxy.url

        class Moved(Handler):
            def do_GET(self) -> None:
                if not self.path.startswith("/old/"):
                    super().do_GET()
                    return
                self.send_response(308)
                self.send_header("Location", leads + self.path.removeprefix("/old"))
                self.send_header("Content-Length", "0")
                self.end_headers()

        proxy.RequestHandlerClass = Moved
        assert run(settings(f"{proxy.url}/old", tmp_path / "same")).exit_status == 0
        leads = stranger.url
        with pytest.raises(SourceError, match="sends on to"):
            run(settings(f"{proxy.url}/old", tmp_path / "other"))
        assert not stranger.requests


def test_a_circle_of_links_is_an_error(proxy: Proxy, tmp_path: Path) -> None:
    proxy.change = rewritten("next", f"{proxy.url}/v1/structures?response_fields=species&page_limit=5")
    with pytest.raises(SourceError, match="the next page is one that came already"):
        run(settings(proxy.url, tmp_path))


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("data_returned", 30, "30 structures"),
        ("data_returned", 20, "20 structures"),
        ("more_data_available", True, "more"),
    ],
)
def test_a_count_that_is_not_what_came_is_said(
    proxy: Proxy, undisturbed: bytes, tmp_path: Path, key: str, value: int | bool, told: str
) -> None:
    proxy.change = rewritten(key, value)
    summary, status = run(settings(proxy.url, tmp_path))
    assert status == 4
    assert "1 reject (incomplete 1)" in summary
    (row,) = csv.DictReader((tmp_path / "rejects.csv").open())
    assert row["message"].startswith(f"the database told of {told} and gave {len(good())}")
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


def test_a_structure_that_comes_twice_is_kept_once(proxy: Proxy, undisturbed: bytes, tmp_path: Path) -> None:
    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        if "/structures?" in path:
            answer["data"] += answer["data"][:1]
        return json.dumps(answer).encode()

    proxy.change = change
    assert "duplicate-id 5" in run(settings(proxy.url, tmp_path)).summary
    assert (tmp_path / "crystals.jsonl.gz").read_bytes() == undisturbed


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no answer after 1 tries: .*refused"):
        run(settings("http://127.0.0.1:9", tmp_path, retries=0))
