# check=error=true
#
# The demo as an image: one static program on distroless, started as nobody.
#
#   docker build --tag demo-app .
#   docker run --read-only --cap-drop ALL --publish 8080:8080 --publish 9464:9464 demo-app
#
# The tests run the RUN lines below as they are and start what they leave, without a
# daemon: cargo xtask test --only deploy. Reproducible with the same digests below:
# see SOURCE_DATE_EPOCH in .github/workflows/image.yml.

FROM rust:1.95-slim-trixie@sha256:275c320a57d0d8b6ab09454ab6d1660d70c745fb3cc85adbefad881b69a212cc AS build
SHELL ["/bin/sh", "-euc"]
# Writes the list of crates into the program, so that scanners read it there.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo install --locked --version 0.7.7 cargo-auditable
WORKDIR /src
COPY . .
# Static, with glibc's allocator: musl's is slow when many threads use it. glibc has
# carried its own resolver for files and DNS, also in static programs, since 2.34.
# No path of the builder is left in the program, and no symbols, a seventh of it: a
# panic says its file and line without them.
ENV CARGO_INCREMENTAL=0 \
    CARGO_PROFILE_RELEASE_STRIP=symbols
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/target,sharing=locked,id=target-$TARGETARCH \
    export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/src --remap-path-prefix=$CARGO_HOME=/cargo"; \
    host=$(rustc --print host-tuple); \
    cargo auditable build --release --locked --package demo-app --target "$host" --target-dir /target; \
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
# As numbers, so that Kubernetes sees that it is not root.
USER 65532:65532
VOLUME /var/lib/demo-app
EXPOSE 8080 9464
ENTRYPOINT ["/usr/local/bin/demo-app"]
CMD ["serve"]
