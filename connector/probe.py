"""Asks the web process beside it whether it is ready, under the name the site is known by: ``python -m connector.probe``.

For a container's health check. It ends with 0 for yes; the site's middleware refuses any other host name.
"""

import os
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

ADDRESS, PATH, TIMEOUT_S = ("127.0.0.1", 8000), "/health/ready", 3


def main() -> int:
    connection = HTTPConnection(*ADDRESS, timeout=TIMEOUT_S)
    try:
        connection.request("GET", PATH, headers={"Host": urlsplit(os.environ["SITE_URL"]).netloc})
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
