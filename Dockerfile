# syntax=docker/dockerfile:1
# Two stages: what builds stays behind. The second runs as nobody in particular (10001), needs no
# writable root and no shell, and keeps its state in /data.
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /app
COPY requirements/run.txt requirements/
RUN /app/bin/python -m pip install --require-hashes --no-deps -r requirements/run.txt
COPY pyproject.toml README.md LICENSE integration.definition.json ./
COPY src src
RUN /app/bin/python -m pip install --no-deps --no-build-isolation . \
 && /app/bin/python -m pip uninstall --yes \
      hatchling editables packaging pathspec pluggy tomlkit trove-classifiers pip \
 && /app/bin/hubspot-hitl version

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="hubspot-hitl" \
      org.opencontainers.image.description="Hands Botpress conversations to human agents in HubSpot." \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 hitl && useradd --uid 10001 --gid 10001 --no-create-home hitl \
 && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HITL_DATA_DIR=/data \
    HITL_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('HITL_PORT', '8080') + '/livez', timeout=2)"]
ENTRYPOINT ["hubspot-hitl"]
CMD ["serve"]
