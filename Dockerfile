FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
# With boto3, for installations that read Amazon's notifications from a queue of their own.
COPY requirements-sqs.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements-sqs.txt \
    && useradd --system --create-home --home-dir /home/tieout tieout \
    && install -d -o tieout /app/var
COPY --chown=tieout . .
USER tieout
# Hashed static files are built into the image; the settings it needs for that are throw-away.
RUN SECRET_KEY=build VAULT_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= DATABASE_URL=sqlite:// REDIS_URL=redis://build \
    ALLOWED_HOSTS=build SITE_URL=https://build EMAIL_URL=dummymail:// DEFAULT_FROM_EMAIL=build@localhost \
    TIEOUT_PRODUCTION=1 python manage.py collectstatic --noinput
EXPOSE 8000
# No access log: its lines would hold the codes that consent pages send back. The application writes its own.
CMD ["gunicorn", "connector.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm"]
