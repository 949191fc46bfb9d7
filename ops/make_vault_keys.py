"""Print a new key file for the vault (accounts/vault.py). Keep it outside the database and outside its backup."""

import base64
import json
import secrets
import sys
from datetime import date


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


name = f"k{date.today():%Y%m}"
json.dump({"current": name, "keys": {name: key()}, "index": key()}, sys.stdout, indent=2)
sys.stdout.write("\n")
