"""The sample app in Java: Javalin, with libraries that Maven downloads."""

from __future__ import annotations

import re

from .language import SampleLanguage

__all__ = ["LANGUAGE"]

SOURCE = "src/main/java/speedup/Main.java"
JAVALIN_IMPORT = "import io.javalin.Javalin;\n"
ECHO = "    static void echo(Context context) {\n"
DEPENDENCIES = "  <dependencies>\n"
# The library has no dependencies of its own.
UUID_CREATOR = """\
    <dependency>
      <groupId>com.github.f4b6a3</groupId>
      <artifactId>uuid-creator</artifactId>
      <version>6.1.1</version>
    </dependency>
"""

LANGUAGE = SampleLanguage(
    name="java",
    source=SOURCE,
    first_files=(SOURCE, "pom.xml"),
    strategies=("naive", "optimized", "mounts"),
    answer_field=re.compile(r"record Reply\(String (\w+)\)"),
    rename_field=(("record Reply(String text)", "record Reply(String message)"),),
    broken=(("new Reply(text == null", "new Reply((text == null"),),
    comment_after="public final class Main {",
    comment_mark="//",
    package="uuid-creator",
    package_changes={
        SOURCE: (
            (JAVALIN_IMPORT, f"import com.github.f4b6a3.uuid.UuidCreator;\n{JAVALIN_IMPORT}"),
            (ECHO, f'{ECHO}        context.header("X-Request-Id", UuidCreator.getTimeOrderedEpoch().toString());\n'),
        ),
        "pom.xml": ((DEPENDENCIES, f"{DEPENDENCIES}{UUID_CREATOR}"),),
    },
)
