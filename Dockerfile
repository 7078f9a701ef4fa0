# check=error=true
#
# The image of demo-app: one static program on distroless, which runs as a non-root user.
#
#   docker build --tag demo-app .
#   docker run --read-only --cap-drop ALL --publish 8080:8080 --publish 9464:9464 demo-app
#
# `cargo xtask test --only deploy` runs the RUN lines below without a container daemon and starts
# the resulting program. The build is reproducible: see SOURCE_DATE_EPOCH in
# .github/workflows/image.yml.

FROM rust:1.95-slim-trixie@sha256:275c320a57d0d8b6ab09454ab6d1660d70c745fb3cc85adbefad881b69a212cc AS build
SHELL ["/bin/sh", "-euc"]
# cargo-auditable embeds the list of crates in the program for vulnerability scanners.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo install --locked --version 0.7.7 cargo-auditable
WORKDIR /src
COPY . .
# Links glibc statically, because musl's allocator is slow with many threads. Since 2.34, glibc can
# resolve names from files and DNS in static programs too. The build removes paths of the builder,
# and the symbols (a seventh of the size), which a panic message does not need for file and line.
ENV CARGO_INCREMENTAL=0 \
    CARGO_PROFILE_RELEASE_STRIP=symbols
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/target,sharing=locked,id=target-$TARGETARCH \
    export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/src --remap-path-prefix=$CARGO_HOME=/cargo"; \
    host=$(rustc --print host-tuple); \
    cargo auditable build --release --locked --package demo-app --features full --target "$host" --target-dir /target; \
    install -D -m 0755 "/target/$host/release/demo-app" /rootfs/usr/local/bin/demo-app; \
    install -d -m 0755 /rootfs/var/lib; \
    install -d -m 0750 -o 65532 -g 65532 /rootfs/var/lib/demo-app

FROM gcr.io/distroless/static-debian13:nonroot@sha256:f7f8f729987ad0fdf6b05eeeae94b26e6a0f613bdf46feea7fc40f7bd72953e6
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="demo-app" \
      org.opencontainers.image.description="A small service that shows every part of sre-kit" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/sre-kit/sre-kit" \
      org.opencontainers.image.documentation="https://github.com/sre-kit/sre-kit#readme" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian13:nonroot" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
COPY --from=build /rootfs /
ENV DEMO_LISTEN=0.0.0.0:8080 \
    DEMO_ADMIN=0.0.0.0:9464 \
    DATABASE_URL=sqlite:///var/lib/demo-app/visits.sqlite
# Numeric, so that Kubernetes can verify that the user is not root.
USER 65532:65532
VOLUME /var/lib/demo-app
EXPOSE 8080 9464
ENTRYPOINT ["/usr/local/bin/demo-app"]
CMD ["serve"]
