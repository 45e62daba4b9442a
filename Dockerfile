# The command alone, without a tap and without root. Pipe a tap into it, and keep /work between runs:
#   tap-x | docker run --rm --interactive --volume klaviyo:/work --env TARGET_KLAVIYO_SEGMENTS_API_KEY target-klaviyo-segments
FROM python:3.13.9-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY target_klaviyo_segments target_klaviyo_segments
# The versions that the tests were run with.
RUN python -m venv /opt/target \
 && /opt/target/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt ".[parquet]"

FROM python:3.13.9-slim-bookworm
LABEL org.opencontainers.image.title="target-klaviyo-segments" \
      org.opencontainers.image.source="https://github.com/target-klaviyo-segments/target-klaviyo-segments" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number that is nobody's on the host; the ledger, reports and rejected rows belong to it.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin exporter \
 && install --directory --owner exporter --mode 0700 /work
COPY --from=build /opt/target /opt/target
ENV PATH="/opt/target/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    TARGET_KLAVIYO_SEGMENTS_WORK_DIR=/work
USER 10001
WORKDIR /work
VOLUME ["/work"]
ENTRYPOINT ["target-klaviyo-segments"]
