"""Which stand-in a base image means."""

from __future__ import annotations

import pytest

from speedkit.stand_ins import (
    FAMILIES,
    DebianPackages,
    DebianTree,
    GoToolchain,
    MavenArchive,
    MavenPython,
    NodeRuntime,
    StandIn,
    UnpackedPackages,
    WheelPrograms,
    official_name,
    stand_in_for,
)


def keys(reference: str) -> list[str]:
    """The keys of the stand-in and of those below it, the lowest last."""
    stand_in, chain = stand_in_for(reference), []
    while stand_in is not None:
        chain.append(stand_in.key)
        stand_in = stand_in.base
    return chain


@pytest.mark.parametrize(
    ("reference", "chain"),
    [
        ("golang:1.26", "golang:1.26-trixie scm:trixie debian:trixie"),
        ("golang:1.22", "golang:1.22-bookworm scm:bookworm debian:bookworm"),
        ("golang:1.24.3-bookworm", "golang:1.24.3-bookworm scm:bookworm debian:bookworm"),
        ("golang:alpine", "golang:latest-alpine alpine:latest debian:trixie"),
        ("golang:1.26.5-alpine3.22@sha256:0178", "golang:1.26.5-alpine alpine:latest debian:trixie"),
        ("docker.io/library/node:22-alpine", "node:22-alpine alpine:latest debian:trixie"),
        ("node:iron-slim", "node:20-slim-bookworm debian:bookworm"),
        ("node:20", "node:20-bookworm buildpack:bookworm scm:bookworm debian:bookworm"),
        ("public.ecr.aws/docker/library/python:3.12-slim", "python:3.12-slim-trixie debian:trixie"),
        ("python:3.9.10-slim", "python:3.9.10-slim-bullseye debian:bullseye"),
        ("python:3.11.4", "python:3.11.4-bookworm buildpack:bookworm scm:bookworm debian:bookworm"),
        ("rust:1.60", "rust:1.60-bookworm buildpack:bookworm scm:bookworm debian:bookworm"),
        ("rust:1.93-alpine3.21", "rust:1.93-alpine alpine:latest debian:trixie"),
        ("eclipse-temurin:24.0.2_12-jdk-noble", "java:24-jdk-trixie debian:trixie"),
        ("eclipse-temurin:21-jre-alpine", "java:21-jre-alpine alpine:latest debian:trixie"),
        ("openjdk:8u342-jdk-slim-buster", "java:8-jdk-bullseye debian:bullseye"),
        ("maven:3-eclipse-temurin-17", "maven:3.9.16-17-jdk-bookworm java:17-jdk-bookworm debian:bookworm"),
        ("gradle:8.5-jdk17", "gradle:8.5-17-jdk-bookworm java:17-jdk-bookworm debian:bookworm"),
        ("tomcat:11-jdk17", "tomcat:11.0.24-17-jdk-bookworm java:17-jdk-bookworm debian:bookworm"),
        ("nginx:1.27-alpine", "nginx:alpine-latest alpine:latest debian:trixie"),
        ("alpine:3.22", "alpine:latest debian:trixie"),
        ("debian:bookworm-slim", "debian:bookworm"),
        ("debian:12", "debian:bookworm"),
        ("debian:buster", "debian:bullseye"),
        ("debian", "debian:trixie"),
        ("ubuntu:22.04", "debian:bookworm"),
        ("ubuntu:noble", "debian:trixie"),
        ("busybox:1.36", "busybox:latest"),
        ("gcr.io/distroless/static-debian12:nonroot", "distroless:static-bookworm-nonroot"),
        ("gcr.io/distroless/cc", "distroless:cc-trixie"),
        ("ghcr.io/astral-sh/uv:0.11.16", "uv:0.11.16"),
        (
            "ghcr.io/astral-sh/uv:python3.12-bookworm-slim",
            "uv:latest-python3.12-slim-bookworm python:3.12-slim-bookworm debian:bookworm",
        ),
    ],
)
def test_a_reference_means_a_family_a_flavour_and_what_is_below(reference, chain):
    assert keys(reference) == chain.split()


@pytest.mark.parametrize(
    "reference",
    [
        "golang:1.26-windowsservercore-ltsc2022",
        "golang:1.26-nanoserver",
        "python:2.7",
        "eclipse-temurin:17-jdk-ubi9-minimal",
        "amazoncorretto:17",
        "gcr.io/distroless/base:debug",
        "team/alpine",
        "localhost:5000/library/alpine:3",
        "mcr.microsoft.com/dotnet/sdk:10.0",
        "alpine:" + "3" * 120,
        "scratch",
        "",
    ],
)
def test_what_no_registry_of_packages_has_has_no_stand_in(reference):
    assert stand_in_for(reference) is None


def parts(reference: str, kind: type) -> list[object]:
    stand_in = stand_in_for(reference)
    assert stand_in is not None
    return [part for part in stand_in.parts if isinstance(part, kind)]


def test_each_program_comes_from_a_registry_that_has_its_version():
    assert parts("golang:1.24.3", GoToolchain) == [GoToolchain("1.24.3")]
    assert parts("node:20.20.2-alpine", NodeRuntime) == [NodeRuntime("20.20.2")]
    assert parts("python:3.12-slim", MavenPython) == [MavenPython("3.12.1-1.5.10")]
    assert parts("python:3.15-slim", MavenPython) == [MavenPython("3.14.3-1.5.13")]  # the nearest minor version
    assert "python3.9" in parts("python:3.9-slim-bookworm", DebianPackages)[0].names
    assert parts("python:3.9-alpine", MavenPython) == [MavenPython("3.9.6-1.5.6")]
    assert parts("maven:3.8.6-openjdk-17", MavenArchive)[0].artifact == "org.apache.maven:apache-maven:3.8.6:tar.gz:bin"
    assert parts("ghcr.io/astral-sh/uv:0.5.1", WheelPrograms)[0].version == "0.5.1"
    assert parts("rust:1.94-bookworm", DebianPackages)[0].suite == "trixie-backports"
    assert "openjdk-25-jdk-headless" in parts("eclipse-temurin:24-jdk", DebianPackages)[0].names


def test_a_golang_of_debian_has_what_cgo_needs_and_one_of_alpine_has_not():
    assert "gcc" in parts("golang:1.26", DebianPackages)[0].names
    assert "git" in parts("buildpack-deps:scm", DebianPackages)[0].names
    assert parts("golang:1.26-alpine", DebianPackages) == []


def test_a_distroless_image_has_files_of_packages_and_no_tree_of_debian():
    stand_in = stand_in_for("gcr.io/distroless/static")
    assert stand_in.base is None
    assert not any(isinstance(part, DebianTree) for part in stand_in.parts)
    (unpacked,) = parts("gcr.io/distroless/static", UnpackedPackages)
    assert "libc6" not in unpacked.names
    assert "libc6" in parts("gcr.io/distroless/base", UnpackedPackages)[0].names


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_image_of_a_family_has_a_stand_in_without_a_tag(family):
    for image in family.images:
        is_amazon_linux = image == "amazoncorretto"
        stand_in = stand_in_for(image)
        assert (stand_in is None) == is_amazon_linux, image
        assert stand_in is None or isinstance(stand_in, StandIn)


def test_equal_keys_are_equal_stand_ins():
    assert stand_in_for("alpine:3.21") == stand_in_for("public.ecr.aws/docker/library/alpine:3.22")
    assert stand_in_for("maven:3-eclipse-temurin-17").key == stand_in_for("maven:3.9.16-eclipse-temurin-17").key


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("alpine", "alpine", ""),
        ("docker.io/library/alpine:3@sha256:0", "alpine", "3"),
        ("mirror.gcr.io/library/golang:1", "golang", "1"),
        ("localhost:5000/alpine", "localhost:5000/alpine", ""),
        ("localhost:5000/team/alpine:3", "localhost:5000/team/alpine", "3"),
    ],
)
def test_a_name_is_read_without_docker_hubs_own_parts(reference, name, tag):
    assert official_name(reference) == (name, tag)
