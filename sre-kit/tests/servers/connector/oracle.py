"""Connects to the fake of Cloud SQL with Google's own connector.

Reads {"endpoint", "instance", "user", "database", "api_token", "login_token", "ip"} and
prints the user that it is logged in as.
"""

import datetime
import json
import sys

from google.auth import credentials
from google.cloud.sql.connector import Connector

ASKED = json.load(sys.stdin)
LOGIN = "https://www.googleapis.com/auth/sqlservice.login"


class Fake(credentials.Scoped, credentials.Credentials):
    """Has one token for logging in and another for everything else, as IAM would."""

    def __init__(self, scopes=None):
        super().__init__()
        self._scopes = scopes

    @property
    def requires_scopes(self):
        return not self._scopes

    def with_scopes(self, scopes, default_scopes=None):
        return Fake(scopes)

    def refresh(self, request):
        login = self._scopes == [LOGIN]
        self.token = ASKED["login_token" if login else "api_token"]
        # google-auth has times without a zone.
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.expiry = now + datetime.timedelta(hours=1)


with Connector(
    credentials=Fake(),
    sqladmin_api_endpoint=ASKED["endpoint"],
    ip_type=ASKED["ip"],
    enable_iam_auth=True,
) as connector:
    connection = connector.connect(
        ASKED["instance"], "pg8000", user=ASKED["user"], db=ASKED["database"]
    )
    cursor = connection.cursor()
    cursor.execute("SELECT current_user")
    print(cursor.fetchone()[0])
    connection.close()
