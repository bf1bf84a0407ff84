"""The exercises of lesson 05, on cache mounts, secrets, and steps that BuildKit does not run again by itself."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

from speedkit.engine import CommandOptions
from speedkit.messages import marked, message

from ..checked_builds import CheckedBuilds
from ..findings import Finding, built, nothing_ran, prints
from ..image_findings import no_layer_holds
from ..step_findings import did_not_run, did_run, steps_printing
from ..task import Task

__all__ = ["TASKS"]

ERRORS_SUMS = """\
github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=
github.com/pkg/errors v0.9.1/go.mod h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=
"""
FETCHED = ".zip: 200"
"""In a line of `go mod download -x`: a module came over the network."""


def _mount_at_the_wrong_place(builds: CheckedBuilds) -> Iterator[Finding]:
    from speedkit.lessons import downloads

    # A mount keeps what earlier checks downloaded.
    builds.start_cold()
    first = builds.build()
    yield built(first)
    if not downloads(first.build):
        yield Finding(
            False, message("{when}: no module was named in the log. Keep the flag -x, which names them.", when=first.when)
        )
    builds.replace("go.mod", f"{builds.read('go.mod')}\nrequire github.com/pkg/errors v0.9.1\n")
    builds.replace("go.sum", f"{builds.read('go.sum')}{ERRORS_SUMS}")
    again = builds.build(when=message("With one more module in go.mod"))
    yield built(again)
    yield prints(again, "github.com/pkg/errors v0.9.1")
    fetched = downloads(again.build)
    yield Finding(
        len(fetched) == 1,
        message("{when}: only the new module was downloaded. The mount kept the others.", when=again.when)
        if len(fetched) == 1
        else message(
            "{when}: {count} modules were downloaded, although only one is new. What the mount keeps is not what Go looks for.",
            count=len(fetched),
            when=again.when,
        ),
    )


def _lost_in_the_mount(builds: CheckedBuilds) -> Iterator[Finding]:
    names = ("chapters/1.txt", "chapters/2.txt", "chapters/3.txt")
    for name in names:
        builds.replace(name, f"{secrets.token_hex(6)}\n")
    first = builds.build(message("an edit of all chapters"))
    yield built(first)
    yield did_run(first, "making chapters/3.txt", work="build.sh")
    word = f"pie {secrets.token_hex(4)}"
    again = builds.build(builds.replace(names[1], f"{word}\n"))
    yield built(again)
    yield prints(again, word.upper())
    made_again = [name for name in names if steps_printing(again, f"making {name}")]
    yield Finding(
        made_again == [names[1]],
        message("{when}: only the changed chapter was made again.", when=again.when)
        if made_again == [names[1]]
        else message(
            "{when}: {count} of {all} chapters were made again. The mount has to keep those that did not change.",
            count=len(made_again),
            all=len(names),
            when=again.when,
        ),
    )


def _secret_in_no_layer(builds: CheckedBuilds) -> Iterator[Finding]:
    token, other = secrets.token_hex(16), secrets.token_hex(16)
    builds.replace("token.txt", other)
    with builds.secret_file(token) as place:
        done = builds.build(
            when=message("With `--secret id=token`, and another token in token.txt"),
            options=CommandOptions(secrets=(f"id=token,src={place}",)),
        )
    yield built(done)
    by_file = f"prices for {_short_hash(other)}"
    log = done.run().log
    if by_file in log:
        yield no_layer_holds(done, other, called=message("the token of token.txt"))
        yield Finding(False, message("The price list was fetched with token.txt, and not with the secret of the build."))
    yield prints(done, f"prices for {_short_hash(token)}")
    yield no_layer_holds(done, token, called=message("the secret"))
    yield no_layer_holds(done, other, called=message("the token of token.txt"))


def _short_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def _fresh_when_asked(builds: CheckedBuilds) -> Iterator[Finding]:
    monday, tuesday = secrets.token_hex(4), secrets.token_hex(4)
    first = builds.build(when=message("With DAY={day}", day=monday), build_args={"DAY": monday})
    yield built(first)
    same = builds.build(when=message("Once more with DAY={day}", day=monday), build_args={"DAY": monday})
    yield nothing_ran(same)
    fresh = builds.build(when=message("With DAY={day}", day=tuesday), build_args={"DAY": tuesday})
    yield built(fresh)
    yield did_run(fresh, "fetching the price list", work="fetch.sh")
    yield prints(fresh, "price list")
    is_new = first.run().log != fresh.run().log
    yield Finding(
        is_new,
        message("{when}: the image has a new price list.", when=fresh.when)
        if is_new
        else message("{when}: the image has the price list of before.", when=fresh.when),
    )
    yield did_not_run(fresh, "installing the tools", work="install.sh")


TASKS = (
    Task(
        "05-fresh-when-asked",
        lesson="05",
        title=marked("Fresh when asked"),
        text=marked(
            "The server has a new price list each day, and the image keeps the one of its first build. Change the Dockerfile "
            "so that a build with a new `--build-arg DAY=…` fetches the list again, and a build with the same DAY runs "
            "nothing. The tools must stay cached."
        ),
        hints=(
            marked(
                "BuildKit does not know what a command gets from the network. It looks at the text of RUN and at its variables."
            ),
            marked("An ARG with a value counts for each RUN below it in its stage, used or not."),
        ),
        minutes=5,
        check=_fresh_when_asked,
        app="",
    ),
    Task(
        "05-lost-in-the-mount",
        lesson="05",
        title=marked("Lost in the mount"),
        text=marked(
            "build.sh keeps finished chapters in out/, and a cache mount keeps out/ for the next build. But the build fails: "
            "COPY does not find the book. Get the book into the image, and keep the mount: after an edit of one chapter, only "
            "that chapter may be made again."
        ),
        hints=(
            marked("A cache mount is there only while its RUN runs. It is in no layer and in no image."),
            marked("The book has to be in another folder before the RUN ends."),
        ),
        minutes=5,
        check=_lost_in_the_mount,
        app="",
    ),
    Task(
        "05-mount-at-the-wrong-place",
        lesson="05",
        title=marked("A mount that nobody uses"),
        text=marked(
            "The download has a cache mount, and yet all modules come again when one is added to go.mod. Find out why, and "
            "change the Dockerfile so that only the new module is downloaded."
        ),
        hints=(
            marked("The steps look the same with a right mount and a wrong one: look at the log of the download."),
            marked("Where does Go keep its modules? `go env GOMODCACHE` prints it; add it to the RUN."),
        ),
        minutes=5,
        check=_mount_at_the_wrong_place,
    ),
    Task(
        "05-secret-in-no-layer",
        lesson="05",
        title=marked("A secret in no layer"),
        text=marked(
            "The price list needs a token, and the token must be in no layer of the image. The check builds with "
            "`docker build --secret id=token,src=…`, and everybody has a file token.txt in the folder, which must not get into "
            "the image either. Change the Dockerfile. The image must print the price list that was fetched with the secret."
        ),
        hints=(
            marked("A file that a later RUN removes is still in the layer of the step that made it."),
            marked("`RUN --mount=type=secret,id=token …` sees the secret as the file /run/secrets/token, in this step only."),
            marked("`COPY . .` takes token.txt. Which file does the image need?"),
        ),
        minutes=10,
        check=_secret_in_no_layer,
        app="",
    ),
)
