"""Whether the service in this container is well: exit status 0 or 1, and the reasons for `docker inspect`.

It brings no token: with sign-in it is told no reasons, and the log of the service has them.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

connection = HTTPConnection("127.0.0.1", int(os.environ.get("RTA_EDGE__PORT", "8180")), timeout=4)
try:
    connection.request("GET", "/health")
    answer = connection.getresponse()
    print(answer.read().decode("utf-8", "replace"))
except (OSError, HTTPException) as e:
    sys.exit(f"no answer: {e}")
sys.exit(0 if answer.status == 200 else 1)
