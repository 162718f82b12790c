# The two commands of the README on a host with GPUs; docs/installing.md shows how it is built and run.
# torch's wheels bring CUDA with them. Of the host only the driver is needed, which the NVIDIA Container Toolkit hands in.
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

# Outside the project's folder, so that a checkout can be mounted over it.
ENV VENV=/opt/venv
WORKDIR /project

# The packages before the sources: they take gigabytes and change seldom. What follows the sources takes seconds.
COPY requirements requirements
RUN python -m venv "$VENV" \
    && "$VENV/bin/python" -m pip install --no-cache-dir uv \
    && "$VENV/bin/uv" pip install --no-cache --compile-bytecode --python "$VENV/bin/python" --requirement requirements/lock.txt

COPY . .
RUN make install

CMD ["make", "quickstart"]
