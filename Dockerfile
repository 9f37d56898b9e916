# One image for every process: the command chooses (api, worker, web, migrate, doctor, rotate-master-key).
# Building needs Node and bun, which come from the `local` lock; the image that runs has neither.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS pages
WORKDIR /app
COPY scripts/install.py scripts/install.py
COPY requirements/local.txt requirements/local.txt
COPY . .
RUN --mount=type=cache,target=/var/cache/pip PIP_CACHE_DIR=/var/cache/pip python scripts/install.py local /opt/build
# Whether people sign in through Clerk is part of the pages; its publishable key is public.
ARG CLERK_PUBLISHABLE_KEY=""
RUN OCSUITE_DATA_DIR=/data CLERK_PUBLISHABLE_KEY="${CLERK_PUBLISHABLE_KEY}" /opt/build/bin/python -m frontend.build

FROM ${PYTHON} AS app
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/var/cache/pip PIP_CACHE_DIR=/var/cache/pip python scripts/install.py app /app/.venv

FROM ${PYTHON}
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin ocsuite
WORKDIR /app
COPY --from=app /app /app
COPY --from=pages --chown=ocsuite:ocsuite /data/web /data/web
RUN chown ocsuite:ocsuite /data
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    OCSUITE_ENV=production \
    OCSUITE_API_HOST=0.0.0.0 \
    OCSUITE_WEB_HOST=0.0.0.0 \
    OCSUITE_DATA_DIR=/data
USER ocsuite
EXPOSE 8000 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "scripts/healthcheck.py"]
ENTRYPOINT ["ocsuite"]
CMD ["api"]
