"""The engine's API through Docker's client library, with the library's exceptions turned into errors of speedkit.

The library also lets through exceptions of the layers below it: requests, urllib3, http.client, ssl, sockets and JSON. Which
of them a dying engine causes depends on the moment.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import GeneratorType
from typing import Any

from speedkit.errors import EngineError, EngineLost, EngineRefused, EngineSilent, SpeedkitError
from speedkit.messages import marked, message

__all__ = ["Client", "errors_of_ours"]

START_AGAIN = marked("Start it again (`speedkit engine start`, or Docker Desktop) and repeat the last step.")
TRY_AGAIN = marked("Repeat the last step; the engine's own log says what went wrong.")


class Client:
    """The library's client, whose calls raise errors of speedkit only: EngineLost, EngineSilent, EngineRefused, EngineError."""

    def __init__(self, api: Any, host: str) -> None:
        self._api, self._host = api, host

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._api, name)
        return self._guarded(attribute) if callable(attribute) else attribute

    def _guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def guarded(*arguments: Any, **options: Any) -> Any:
            with errors_of_ours(self._host):
                answer = call(*arguments, **options)
            # A stream raises while it is read, after the call has returned. `get_archive` gives one in a tuple.
            if isinstance(answer, tuple):
                return tuple(map(self._guarded_stream, answer))
            return self._guarded_stream(answer)

        return guarded

    def _guarded_stream(self, answer: Any) -> Any:
        if not isinstance(answer, GeneratorType):
            return answer

        def pieces() -> Iterator[Any]:
            with errors_of_ours(self._host):
                yield from answer

        return pieces()


@contextmanager
def errors_of_ours(host: str) -> Iterator[None]:
    """Turns the client library's exceptions in the block into errors about the engine at `host`."""
    try:
        yield
    except SpeedkitError:
        raise
    except Exception as problem:
        error = _engine_error(problem, host)
        if error is None:
            raise
        raise error from None


def _engine_error(problem: Exception, host: str) -> EngineError | None:
    """Our error for an exception of the client library; None for one that can only be a bug in speedkit."""
    # Imported only after an error: these modules take a tenth of a second to load, and `speedkit layers` needs none of them.
    from http.client import HTTPException

    import requests
    from docker.errors import APIError, DockerException
    from urllib3.exceptions import HTTPError

    match problem:
        case APIError():
            reason = str(problem.explanation or problem).strip().rstrip(".")
            return EngineRefused(
                message("The Docker engine at {host} refused: {reason}.", host=host, reason=reason),
                status=problem.status_code or 0,
                reason=reason,
            )
        case requests.Timeout() | TimeoutError():
            return EngineSilent(
                message("The Docker engine at {host} did not answer in time.", host=host), fix=message(START_AGAIN)
            )
        case tarfile.TarError():
            # An engine that fails while it sends an archive writes its error text into the stream and ends it normally.
            return EngineError(
                message("The Docker engine at {host} sent an archive that cannot be read.", host=host), fix=message(TRY_AGAIN)
            )
        # requests.RequestException is an OSError, and so are the errors of ssl and of sockets.
        case DockerException() | OSError() | HTTPError() | HTTPException() | ValueError() | LookupError():
            return EngineLost(
                message("The Docker engine at {host} no longer answers: {problem}.", host=host, problem=_innermost(problem)),
                fix=message(START_AGAIN),
            )
    return None


def _innermost(problem: BaseException) -> str:
    """The text of the first cause. The library's own texts quote the layers below it, with the names of Python objects."""
    causes = [problem]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    last = next((cause for cause in reversed(causes) if str(cause)), problem)
    text = last.strerror if isinstance(last, OSError) and last.strerror else str(last)
    return text.strip().rstrip(".") or type(last).__name__
