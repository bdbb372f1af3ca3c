# syntax=docker/dockerfile:1@sha256:87999aa3d42bdc6bea60565083ee17e86d1f3339802f543c0d03998580f9cb89
# One image per service, and one for the whole system in one process:
#   docker build --target ledger -t fintrac-ledger .
#   docker build --target fintrac -t fintrac .
# Dependencies are a separate layer, rebuilt only when Cargo.lock changes.

FROM docker.io/library/rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS chef
RUN cargo install --locked cargo-chef --version 0.1.71
WORKDIR /src

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /src/recipe.json .
RUN cargo chef cook --profile dist --locked --recipe-path recipe.json
COPY . .
RUN cargo build --profile dist --locked --workspace --bins --exclude fintrac-tests && \
    mkdir /out && cd target/dist && cp fintrac auth-svc ledger-svc budget-svc notify-svc gateway /out/

# No shell, no package manager, no root user: only glibc, certificates and the binary.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f AS base
USER 65532:65532
# A folder that no user can write to: a .env file in it would be read.
WORKDIR /
ENV ENVIRONMENT=production SERVER_HOST=0.0.0.0 GRPC_LISTEN=0.0.0.0:50051 GRPC_HEALTH_LISTEN=0.0.0.0:50052 \
    METRICS_LISTEN=0.0.0.0:9464 FINTRAC_DATA_DIR=/tmp/.fintrac

FROM base AS auth
COPY --from=build /out/auth-svc /usr/bin/auth-svc
EXPOSE 50051 50052 9464
HEALTHCHECK CMD ["/usr/bin/auth-svc", "healthcheck"]
ENTRYPOINT ["/usr/bin/auth-svc"]

FROM base AS ledger
COPY --from=build /out/ledger-svc /usr/bin/ledger-svc
EXPOSE 50051 50052 9464
HEALTHCHECK CMD ["/usr/bin/ledger-svc", "healthcheck"]
ENTRYPOINT ["/usr/bin/ledger-svc"]

FROM base AS budget
COPY --from=build /out/budget-svc /usr/bin/budget-svc
EXPOSE 50051 50052 9464
HEALTHCHECK CMD ["/usr/bin/budget-svc", "healthcheck"]
ENTRYPOINT ["/usr/bin/budget-svc"]

FROM base AS notify
COPY --from=build /out/notify-svc /usr/bin/notify-svc
EXPOSE 50051 50052 9464
HEALTHCHECK CMD ["/usr/bin/notify-svc", "healthcheck"]
ENTRYPOINT ["/usr/bin/notify-svc"]

FROM base AS gateway
COPY --from=build /out/gateway /usr/bin/gateway
EXPOSE 8000 9464
HEALTHCHECK CMD ["/usr/bin/gateway", "healthcheck"]
ENTRYPOINT ["/usr/bin/gateway"]

# This image contains no PostgreSQL, so it needs DATABASE_URL.
FROM base AS fintrac
COPY --from=build /out/fintrac /usr/bin/fintrac
EXPOSE 8000 50051 9464
HEALTHCHECK CMD ["/usr/bin/fintrac", "healthcheck"]
ENTRYPOINT ["/usr/bin/fintrac"]
