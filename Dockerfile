# One image for every command. It installs from requirements.lock alone, as far as its marker line.
FROM python:3.11-slim AS base
ENV PATH=/opt/shjobs/lib/bin:$PATH \
    PYTHONPATH=/opt/shjobs/lib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="shjobs" \
      org.opencontainers.image.description="Declarative GitOps job controller for the Sentinel Hub Asynchronous Processing API" \
      org.opencontainers.image.licenses="Apache-2.0"
# What fetches and verifies a tree from git. Not pinned, since Debian keeps only the newest version of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git openssh-client gpg \
    && rm -rf /var/lib/apt/lists/*
# By name, since OpenSSH does not run for a user without one.
RUN groupadd --gid 10001 shjobs \
    && useradd --uid 10001 --gid 10001 --home-dir /srv/shjobs --no-create-home --shell /usr/sbin/nologin shjobs
RUN install -d -o 10001 -g 10001 /srv/shjobs /srv/shjobs/jobs.d /srv/shjobs/state
WORKDIR /srv/shjobs

FROM base AS files
WORKDIR /opt/shjobs
COPY requirements.lock ./
RUN sed '/^# --- development tools/,$d' requirements.lock > package.lock \
    && python -m pip install --no-cache-dir --no-deps --require-hashes --target lib -r package.lock \
    && printf '#!/usr/bin/env python\nfrom controller.__main__ import main\n\nmain()\n' > lib/bin/shjobs \
    && chmod 0755 lib/bin/shjobs
COPY controller lib/controller
COPY jobs.d lib/controller/data/jobs.d
RUN python -m compileall -q lib

FROM base
COPY --from=files /opt/shjobs /opt/shjobs
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:9617/healthz', timeout=4)"]
ENTRYPOINT ["shjobs"]
CMD ["run"]
