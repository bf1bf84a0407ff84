"""The engine's API through the client library of Docker. Whatever that library raises comes out as one of our errors.

It lets through what lies below it: requests, urllib3, http.client, ssl, sockets and JSON have exceptions of their own, and
which of them an engine that dies causes depends on the moment.
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
    """Hands every call on to the client of the library. Raises: EngineLost, EngineSilent, EngineRefused, nothing else."""

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
            if isinstance(answer, tuple):
                return tuple(map(self._guarded_stream, answer))
            return self._guarded_stream(answer)

        return guarded

    def _guarded_stream(self, answer: Any) -> Any:
        return self._pieces(answer) if isinstance(answer, GeneratorType) else answer

    def _pieces(self, stream: Iterator[Any]) -> Iterator[Any]:
        with errors_of_ours(self._host):
            yield from stream


@contextmanager
def errors_of_ours(host: str) -> Iterator[None]:
    """What the client library raises in the block, as an error that says it of the engine at `host`."""
    try:
        yield
    except SpeedkitError:
        raise
    except Exception as problem:
        ours = _as_ours(problem, host)
        if ours is None:
            raise
        raise ours from None


def _as_ours(problem: Exception, host: str) -> EngineError | None:
    """The error of ours for what the client library raised; None for what can only be a fault in speedkit."""
    # Imported only once something went wrong: they take a tenth of a second, and `speedkit layers` needs none of them.
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
            # An engine that cannot read a file goes on with its error in the archive's place, and ends in good order.
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
    """What happened in the end. The library and those below it quote each other, with the names of their objects."""
    causes = [problem]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    last = next((cause for cause in reversed(causes) if str(cause)), problem)
    words = last.strerror if isinstance(last, OSError) and last.strerror else str(last)
    return words.strip().rstrip(".") or type(last).__name__
