"""Sends polite requests: one at a time, with a pause between them, and repeated if that may help."""

import io
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from hpcvox import __version__
from hpcvox.errors import SourceError
from hpcvox.fetch.cutting import Cutter

LONGEST_WAIT_S: Final = 600.0
"""Longest pause in seconds that a server may ask for; if it asks for more, the run ends and can be repeated later."""

ANSWER_TIMES: Final = 10
"""An answer may take this many times as long as a server may be silent."""

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which another try may succeed."""

_FIRST_WAIT_S: Final = 0.5
_LONGEST_BACK_OFF_S: Final = 60.0
_MAX_BYTES: Final = 512 * 1024**2
_MAX_PARTS: Final = 8_000_000
"""Most commas and brackets of an answer, each of which takes up to 64 bytes of memory; a page of a thousand large
crystals has a million."""

_CHUNK: Final = 1024**2
_REDIRECTS: Final = 5
_PORTS: Final = {"http": 80, "https": 443}


class _PassingError(Exception):
    """An error that may not occur at the next try; ``wait_s`` is the pause that the server asks for."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Session(requests.Session):
    """A session with one server; a response is returned only when it is complete."""

    def __init__(self, pause_s: float, timeout_s: float, retries: int) -> None:
        super().__init__()
        self._pause_s, self._timeout_s, self._retries = pause_s, timeout_s, retries
        self.headers["User-Agent"] = f"hpcvox/{__version__} {requests.utils.default_user_agent()}"
        self.headers["Accept"] = "application/vnd.api+json, application/json"
        self._free = 0.0  # when the next request may begin
        self._cutter = Cutter()
        for scheme in ("https://", "http://"):
            self.mount(scheme, self._cutter)

    def object_at(self, url: str) -> dict[str, Any]:
        """Get the JSON object at ``url``.

        Raises:
            SourceError: there is none; the message quotes the server if it gives a reason.
        """
        response = self.get(url)
        if response.status_code != 200:
            raise SourceError(refusal(response))
        value = response.json()
        if not isinstance(value, dict):
            raise SourceError(
                f"{url}: the answer is no object: is this a database of the kind that provider says?"
            )
        return value

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        """Send a request as ``requests`` does, but repeat it with growing pauses if it fails for a passing reason.

        Options in ``more`` about time limits, certificates and redirections are ignored.

        Raises:
            SourceError: there is no answer, or it must not be read.
        """
        for tries in range(self._retries + 1):
            time.sleep(max(0.0, self._free - time.monotonic()))
            try:
                return self._once(method, url, more.get("params"))
            except _PassingError as error:
                problem, wait_s = str(error), error.wait_s
            finally:
                self._free = time.monotonic() + self._pause_s
            if wait_s > LONGEST_WAIT_S:
                raise SourceError(f"{url}: {problem}; the server asks for a rest of {wait_s:.0f} s")
            back_off = min(_FIRST_WAIT_S * 2**tries, _LONGEST_BACK_OFF_S) * random.uniform(0.5, 1.0)
            self._free = max(self._free, time.monotonic() + max(wait_s, back_off))
        raise SourceError(f"{url}: no answer after {self._retries + 1} tries: {problem}")

    def _once(self, method: str, url: str, params: Any) -> requests.Response:
        try:
            response = self._answer(method, url, params)
        except (requests.exceptions.SSLError, requests.exceptions.InvalidURL) as error:
            raise SourceError(f"{url}: {error}") from None
        except requests.RequestException as error:
            raise _PassingError(_short(error)) from None
        if response.status_code in _PASSING:
            rest_s = _rest_s(response.headers.get("Retry-After"))
            raise _PassingError(_said(response), rest_s)
        if response.status_code == 200:
            try:
                response.json()
            except (ValueError, RecursionError) as error:
                raise _PassingError(f"the answer is not valid JSON: {error}") from None
        return response

    def _answer(self, method: str, url: str, params: Any) -> requests.Response:
        """Read the complete answer within its time limit."""
        seconds = ANSWER_TIMES * self._timeout_s
        with self._cutter.within(seconds) as late:
            try:
                answer = self._read(method, url, params)
            except (requests.RequestException, OSError):
                if not late.is_set():
                    raise
            if late.is_set():  # without a length, a body that was cut off looks complete
                raise _PassingError(f"the answer was not whole after {seconds:g} s")
            return answer

    def _read(self, method: str, url: str, params: Any) -> requests.Response:
        """Read the answer with its body, after redirections within the same server."""
        for _ in range(_REDIRECTS):
            with super().request(
                method, url, params=params, timeout=self._timeout_s, allow_redirects=False, stream=True
            ) as response:
                if response.is_redirect:
                    url, params = link(url, response.headers["Location"]), None
                    continue
                body = bytearray()
                for chunk in response.iter_content(_CHUNK):
                    body += chunk
                    if len(body) > _MAX_BYTES:
                        raise SourceError(f"{url}: the answer is longer than {_MAX_BYTES >> 20} MiB")
                if sum(map(body.count, (b",", b"[", b"{"))) > _MAX_PARTS:
                    raise SourceError(f"{url}: the answer has more than {_MAX_PARTS:,} commas and brackets")
                return _whole(response, bytes(body))
        raise SourceError(f"{url}: redirected more than {_REDIRECTS} times")


def refusal(response: requests.Response) -> str:
    """A message about an answer that is an error."""
    return f"{response.url.partition('?')[0]}: the server answers {_said(response)}"


def _whole(response: requests.Response, body: bytes) -> requests.Response:
    """A copy of a response, with the body that was read from it."""
    kept = requests.Response()
    kept.status_code, kept.reason, kept.url = response.status_code, response.reason, response.url
    kept.headers, kept.request, kept.encoding = response.headers, response.request, "utf-8"
    kept.raw = io.BytesIO(body)
    return kept


def link(base: str, target: str) -> str:
    """Resolve the link ``target`` relative to ``base``, on the same server.

    Raises:
        SourceError: it leads to another server, which is not asked just because an answer names it.
    """
    try:
        full = urljoin(base, target)
        here, there = urlsplit(base), urlsplit(full)
        same = _server(here) == _server(there)
    except ValueError:
        raise SourceError(f"{base}: the link {target[:200]!r} is no URL") from None
    if not same:
        raise SourceError(
            f"{base}: the server sends on to {there.scheme}://{there.netloc}, which is not asked: "
            f"only {here.scheme}://{here.netloc} is. If you trust it, give its base URL as url"
        )
    return full


def _server(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _rest_s(header: str | None) -> float:
    """The seconds in a Retry-After header, which is a number of seconds or a date."""
    try:
        if header is None:
            return 0.0
        if header.strip().isdecimal():
            return float(header)
        then = parsedate_to_datetime(header)
        return max(0.0, (then.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return 0.0


def _said(response: requests.Response) -> str:
    """The status and its reason, and the message in the body if there is one."""
    said = f"{response.status_code} {response.reason}".strip()
    try:
        value = response.json()
        errors = value.get("errors") or [value]  # OPTIMADE's list, or one of a web server
        texts = [
            str(e.get("detail") or e.get("title") or e.get("message") or e.get("error") or "") for e in errors
        ]
    except (ValueError, RecursionError, TypeError, AttributeError):
        return said
    detail = "; ".join(" ".join(text.split()) for text in texts if text)[:1000]
    return f"{said}: {detail}" if detail else said


def _short(error: requests.RequestException) -> str:
    """The innermost reason of an error, on one line."""
    inner: Any = error.args[0] if error.args else error
    inner = getattr(inner, "reason", None) or inner
    return " ".join(f"{type(error).__name__}: {inner}".split())[:300]
