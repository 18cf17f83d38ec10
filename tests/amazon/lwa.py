"""A token endpoint that knows its clients' secrets, and says what it was asked with."""

from tests.amazon.fake_api import FakeApi


class Lwa(FakeApi):
    """``secrets`` are the good ones; ``ended`` makes every refresh token a dead one; ``scopes`` are the grantless ones."""

    def __init__(self, secrets):
        super().__init__()
        self.secrets, self.ended, self.given = set(secrets), False, 0
        self.scopes = {"sellingpartnerapi::notifications", "sellingpartnerapi::client_credential:rotation"}
        self.answer("/auth/o2/token", self.give)

    @property
    def tried(self):
        return [asked.form["client_secret"] for asked in self.asked_for("/auth/o2/token")]

    def give(self, asked):
        form = asked.form
        if form.get("client_secret") not in self.secrets:
            return 401, {"error": "invalid_client"}
        if form.get("refresh_token") and (self.ended or not form["refresh_token"].startswith("Atzr|")):
            return 400, {"error": "invalid_grant"}
        if "scope" in form and form["scope"] not in self.scopes:
            return 400, {"error": "invalid_scope"}
        self.given += 1
        answer = {"access_token": f"Atza|{self.given}", "token_type": "bearer", "expires_in": 3600}
        return 200, answer | ({} if "scope" in form else {"refresh_token": "Atzr|1"})
