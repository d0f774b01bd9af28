# Builds the gateway, then keeps only the program: no shell tools are needed to run it, and nothing is written outside /data.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin tasuki

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home tasuki
COPY --from=build /build/target/release/tasuki /usr/local/bin/tasuki
COPY --from=build /build/examples/data /usr/share/tasuki/examples/data
USER 10001
VOLUME /data
EXPOSE 8443
# Run with: docker run --read-only --tmpfs /tmp -v tasuki:/data -v ./tasuki.toml:/etc/tasuki.toml:ro tasuki
HEALTHCHECK --interval=30s --timeout=5s CMD ["tasuki", "health", "--config", "/etc/tasuki.toml"]
ENTRYPOINT ["tasuki"]
CMD ["serve", "--config", "/etc/tasuki.toml"]
