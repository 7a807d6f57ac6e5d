# The service as an image: docker build --tag lookalike .
#
# In a container it has to listen on every address, and no key protects it yet. So it ends with a sentence that says so
# until it is told LOOKALIKE_INSECURE=1. Tell it only where nobody but you reaches the published port:
#
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#       --env LOOKALIKE_INSECURE=1 --publish 127.0.0.1:8000:8000 --volume lookalike:/data \
#       --env LOOKALIKE_CATALOG=/catalog --volume "$PWD/photos:/catalog:ro" lookalike
#
# docker-compose.yml does the same with an Elasticsearch beside it.

FROM python:3.11-slim AS build

# Packages before code: a change of code installs nothing anew. Every one is a wheel, so nothing is compiled here.
COPY requirements/service.txt /tmp/service.txt
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes --no-deps --requirement /tmp/service.txt

# What was checked out with a strict umask is made readable. Bytecode is made once; a running service writes none.
WORKDIR /srv/lookalike
COPY models models
COPY app app
RUN chmod -R u=rwX,go=rX . \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash app


FROM python:3.11-slim

LABEL org.opencontainers.image.title="Lookalike" \
      org.opencontainers.image.description="Which products look like this photo?" \
      org.opencontainers.image.version="0.1.0"

# Named volumes take over the owner of these folders; in a bind mount the host's folder has to belong to 10001.
RUN groupadd --gid 10001 lookalike \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin lookalike \
    && install --directory --owner 10001 --group 10001 --mode 0750 /data /media

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOOKALIKE_HOST=0.0.0.0 \
    LOOKALIKE_PORT=8000 \
    LOOKALIKE_DATA_DIR=/data

WORKDIR /srv/lookalike
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/lookalike/models models
COPY --from=build /srv/lookalike/app app

# As numbers: an orchestrator that forbids root can tell from these that this is not root.
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM

# Ready, not alive: unhealthy also while the store is away. By http.client, which asks no proxy.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', int(os.environ['LOOKALIKE_PORT']), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
