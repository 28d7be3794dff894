# The daemon; with `--target sandbox` the sandbox. Both install from requirements.lock alone, as far as its marker lines.
FROM python:3.11-slim AS base
ENV PATH=/opt/shjobs/lib/bin:$PATH \
    PYTHONPATH=/opt/shjobs/lib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="shjobs" \
      org.opencontainers.image.description="Declarative GitOps job controller for the Sentinel Hub Asynchronous Processing API" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN install -d -o 10001 -g 10001 /srv/shjobs /srv/shjobs/jobs.d /srv/shjobs/state
WORKDIR /srv/shjobs

FROM base AS daemon-files
WORKDIR /opt/shjobs
COPY requirements.lock ./
RUN sed '/^# --- the sandbox/,$d' requirements.lock > daemon.lock \
    && python -m pip install --no-cache-dir --no-deps --require-hashes --target lib -r daemon.lock \
    && printf '#!/usr/bin/env python\nfrom controller.__main__ import main\n\nmain()\n' > lib/bin/shjobs \
    && chmod 0755 lib/bin/shjobs
COPY controller lib/controller
COPY jobs.d lib/controller/data/jobs.d
RUN python -m compileall -q lib

FROM daemon-files AS sandbox-files
RUN sed -n '/^# --- the sandbox/,/^# --- development tools/p' requirements.lock > sandbox.lock \
    && python -m pip install --no-cache-dir --no-deps --require-hashes --target more -r sandbox.lock \
    && python -m compileall -q more \
    && cp -r more/. lib \
    && rm -r more

FROM base AS sandbox
COPY --from=sandbox-files /opt/shjobs /opt/shjobs
USER 10001:10001
ENTRYPOINT ["shjobs"]
CMD ["sandbox"]

FROM base AS daemon
COPY --from=daemon-files /opt/shjobs /opt/shjobs
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:9617/healthz', timeout=4)"]
ENTRYPOINT ["shjobs"]
CMD ["run"]
