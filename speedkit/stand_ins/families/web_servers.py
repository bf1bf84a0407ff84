"""nginx, caddy, tomcat and jetty, which many final stages start from: packages of Debian, and archives of Maven Central."""

from __future__ import annotations

import re

from ..family import Family
from ..recipe import DebianPackages, MavenArchive, Script, StandIn
from ..tags import Tag
from .alpine import alpine
from .debian import PATH, debian
from .java import java

__all__ = ["FAMILY"]

SITE = "server { listen 80; root /usr/share/nginx/html; index index.html; }"
NGINX = Script(
    (
        "mkdir -p /usr/share/nginx/html /etc/nginx/conf.d",
        "rm -f /etc/nginx/sites-enabled/default",
        # As in the official image: the site of the folder that Dockerfiles copy to.
        f"echo '{SITE}' > /etc/nginx/conf.d/default.conf",
        "ln -sf /dev/stdout /var/log/nginx/access.log",
        "ln -sf /dev/stderr /var/log/nginx/error.log",
    )
)
TOMCATS = {"9": "9.0.117", "10": "10.1.59", "11": "11.0.24"}
JETTIES = {"11": "11.0.26", "12": "12.1.12"}
DEFAULT_JAVA = 21
JAVA = re.compile(r"(?:jdk|jre)(\d+)")
VENDORS = frozenset({"temurin", "eclipse", "openjdk", "jdk", "jre", "noble"})


def _file_server(image: str, tag: Tag) -> StandIn | None:
    if set(tag.other) - {"perl", "otel"}:
        return None
    below = alpine() if tag.system == "alpine" or image == "caddy" else debian(tag.suite)
    parts = (DebianPackages((image, "ca-certificates")), *((NGINX,) if image == "nginx" else ()))
    command = ("nginx", "-g", "daemon off;") if image == "nginx" else ("caddy", "run", "--config", "/etc/caddy/Caddyfile")
    workdir = "/srv" if image == "caddy" else None
    key, asked = f"{image}:{below.key.replace(':', '-')}", f"{image} {tag.version}".strip()
    return StandIn(key, below, parts, {"PATH": PATH}, workdir, command=command, asked=asked)


def _java_server(image: str, tag: Tag) -> StandIn | None:
    majors = [match[1] for word in tag.other if (match := JAVA.fullmatch(word))]
    if len(majors) > 1 or any(word not in VENDORS and not JAVA.fullmatch(word) for word in tag.other):
        return None
    below = java(int(majors[0]) if majors else DEFAULT_JAVA, "jre" if "jre" in str(tag.other) else "jdk", tag.system)
    command: tuple[str, ...]
    table = TOMCATS if image == "tomcat" else JETTIES
    version = table.get(tag.version.partition(".")[0], tag.version or table[max(table, key=int)])
    if image == "tomcat":
        archive = MavenArchive(f"org.apache.tomcat:tomcat:{version}:tar.gz", "/usr/local/tomcat")
        folders = Script(
            ("cd /usr/local/tomcat", "mv webapps webapps.dist", "mkdir webapps", "chmod -R a+rX .", "chmod 1777 logs temp work")
        )
        settings = {"CATALINA_HOME": "/usr/local/tomcat"}
        command, workdir = ("catalina.sh", "run"), "/usr/local/tomcat"
    else:
        archive = MavenArchive(f"org.eclipse.jetty:jetty-home:{version}:tar.gz", "/usr/local/jetty")
        folders = Script(
            (
                "groupadd -r jetty",
                "useradd -r -g jetty -d /var/lib/jetty jetty",
                "mkdir -p /var/lib/jetty/webapps",
                "chown -R jetty:jetty /var/lib/jetty",
            )
        )
        settings = {"JETTY_HOME": "/usr/local/jetty", "JETTY_BASE": "/var/lib/jetty"}
        command, workdir = ("java", "-jar", "/usr/local/jetty/start.jar"), "/var/lib/jetty"
    settings["PATH"] = f"{archive.folder}/bin:/opt/java/openjdk/bin:{PATH}"
    key, asked = f"{image}:{version}-{below.flavour}", f"{image} {tag.version}".strip() + f", {below.asked}"
    return StandIn(key, below, (archive, folders), settings, workdir, command=command, asked=asked)


FAMILY = Family(
    "web-servers",
    ("nginx", "caddy", "tomcat", "jetty"),
    lambda image, tag: (_java_server if image in ("tomcat", "jetty") else _file_server)(image, tag),
)
