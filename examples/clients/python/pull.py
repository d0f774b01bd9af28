"""A care office's program: keeps a folder like what the patients' consents permit, and nothing else.

An access token for a signed assertion (SMART Backend Services), the panel (every Patient that may be read), what is new of
each ($everything with _since), and what is no longer there: a patient who has left the panel is taken away from the folder.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import sys
import time
import uuid

import jwt
import requests

HERE = pathlib.Path(__file__).resolve().parent
SCOPES = "system/*.rs"
# Asked for again this long before it ends, seconds.
TOKEN_MARGIN = 30


class Gateway:
    """The gateway as this client sees it: every request carries a token that counts."""

    def __init__(self, base, client, kid, key):
        self.base, self.client, self.kid, self.key = base, client, kid, key
        self.http = requests.Session()
        found = self.http.get(f"{base}/.well-known/smart-configuration", timeout=30)
        found.raise_for_status()
        self.token_endpoint = found.json()["token_endpoint"]
        self.token, self.until = None, 0.0

    def authorization(self):
        """The header with a token, which is asked for when there is none or it ends soon."""
        if time.monotonic() > self.until - TOKEN_MARGIN:
            now = int(time.time())
            claims = {"iss": self.client, "sub": self.client, "aud": self.token_endpoint, "exp": now + 240, "iat": now,
                      "jti": str(uuid.uuid4())}
            form = {"grant_type": "client_credentials", "scope": SCOPES, "purpose_of_use": "COC",
                    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    "client_assertion": jwt.encode(claims, self.key, algorithm="ES384", headers={"kid": self.kid})}
            answer = self.http.post(self.token_endpoint, data=form, timeout=30)
            if answer.status_code != 200:
                sys.exit(f"no token: {answer.status_code} {answer.text}")
            told = answer.json()
            self.token, self.until = told["access_token"], time.monotonic() + told["expires_in"]
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/fhir+json"}

    def get(self, url, parameters=None):
        """One answer; waits when the gateway says so (429, 503), asks for another token once when this one has ended."""
        for attempt in range(6):
            answer = self.http.get(url, params=parameters, headers=self.authorization(), timeout=120)
            if answer.status_code in (429, 503):
                time.sleep(int(answer.headers.get("Retry-After", "1")))
            elif answer.status_code == 401 and attempt == 0:
                self.until = 0.0
            else:
                return answer
        sys.exit(f"{answer.status_code} again and again")

    def resources(self, path, parameters):
        """The resources of a search or an operation, over all its pages; None where there is no such thing (any more)."""
        url, found = f"{self.base}/{path}", []
        while url:
            answer = self.get(url, parameters)
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            bundle = answer.json()
            found += [entry["resource"] for entry in bundle.get("entry", [])]
            links = {link["relation"]: link["url"] for link in bundle.get("link", [])}
            # The link has all parameters in it.
            url, parameters = links.get("next"), None
        return found


def written(path, resource):
    """Beside it first, so that nobody reads half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(resource, ensure_ascii=False), encoding="utf-8")
    part.rename(path)


def pull(gateway, out, whole):
    out.mkdir(parents=True, exist_ok=True)
    file = out / "since.json"
    since = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    panel = gateway.resources("Patient", {"_count": "100", "_elements": "id"})
    panel = {patient["id"] for patient in panel or []}
    new = 0
    for patient in sorted(panel):
        folder = out / patient
        known = since.get(patient) if folder.is_dir() and not whole else None
        parameters = {"_count": "200"} | ({"_since": known} if known else {})
        found = gateway.resources(f"Patient/{patient}/$everything", parameters)
        if found is None:  # withdrawn since the panel was asked for
            panel.discard(patient)
            continue
        folder.mkdir(exist_ok=True)
        names = set()
        for resource in found:
            name = f"{resource['resourceType']}-{resource['id']}.json"
            names.add(name)
            path = folder / name
            if not path.exists() or json.loads(path.read_text(encoding="utf-8")) != resource:
                written(path, resource)
                new += 1
        if known is None:
            # All of it was fetched: what is not among it may not be read any more.
            for path in folder.glob("*.json"):
                if path.name not in names:
                    path.unlink()
        newest = [resource["meta"]["lastUpdated"] for resource in found if "lastUpdated" in resource.get("meta", {})]
        if newest:
            since[patient] = max([known, *newest] if known else newest, key=datetime.datetime.fromisoformat)
    gone = [patient for patient in since if patient not in panel]
    for patient in gone:
        shutil.rmtree(out / patient, ignore_errors=True)
        del since[patient]
    written(file, since)
    print(f"patients {len(panel)}, new or changed resources {new}, no longer on the panel {len(gone)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="http://127.0.0.1:8080/fhir")
    parser.add_argument("--client", default="agency-a-program")
    parser.add_argument("--kid", default="agency-a-1")
    parser.add_argument("--key", type=pathlib.Path, default=HERE.parents[1] / "data/keys/agency-a.pem")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("pulled"))
    parser.add_argument("--whole", action="store_true", help="fetch everything again, and take away what is not there")
    asked = parser.parse_args()
    pull(Gateway(asked.base, asked.client, asked.kid, asked.key.read_text()), asked.out, asked.whole)


if __name__ == "__main__":
    main()
