"""Schemathesis hooks: a session that is renewed, and rules that the schema cannot express.

Loaded by script/fuzz-contract.
"""

import os
import random
import threading
from datetime import date, timedelta

import requests
import schemathesis
from schemathesis import GenerationMode

BASE = os.environ["FINTRAC_URL"]
LOGIN = {"email": os.environ["FINTRAC_EMAIL"], "password": os.environ["FINTRAC_PASSWORD"]}

lock = threading.Lock()
token = None
known = {}


def log_in():
    response = requests.post(BASE + "/api/v1/auth/login", json=LOGIN, timeout=30)
    response.raise_for_status()
    return response.json()["access_token"]


def own_token():
    global token
    with lock:
        token = token or log_in()
        return token


@schemathesis.auth(refresh_interval=None)
class Session:
    def get(self, case, context):
        return own_token()

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    """Logs in again after a call that ended the session or might have ended it."""
    global token
    ends = case.operation.path.endswith(("/logout", "/logout-all", "/change-password", "/reset-password"))
    ends |= "/sessions" in case.operation.path or "/devices" in case.operation.path
    lost = response.status_code == 401 and response.request.headers.get("Authorization") == f"Bearer {token}"
    if ends or lost:
        with lock:
            token = None


@schemathesis.check
def deleted_categories_are_named_nowhere(context, response, case):
    """A category that was deleted, not merged, is in no budget and no recurring transaction."""
    deletes = case.method.upper() == "DELETE" and case.operation.path.endswith("/categories/{id}")
    if not deletes or response.status_code != 204 or (case.query or {}).get("move_to"):
        return
    deleted = case.path_parameters["id"].lower()
    for collection in ("/api/v1/budgets", "/api/v1/transactions/recurring"):
        response = requests.get(BASE + collection, params={"page_size": 200}, timeout=30,
                              headers={"Authorization": f"Bearer {own_token()}"})
        assert response.ok and deleted not in response.text, f"{collection} contains the deleted category {deleted}"


def resources(collection):
    """Returns the ids of a collection; they are read again after 20 uses."""
    found, uses = known.get(collection, ([], 0))
    if uses <= 0:
        response = requests.get(BASE + collection, params={"page_size": 200}, timeout=30,
                              headers={"Authorization": f"Bearer {own_token()}"})
        if not response.ok:
            return found
        found = [row["id"] for row in response.json().get("data", []) if "id" in row]
        uses = 20
    known[collection] = (found, uses - 1)
    return found


@schemathesis.hook
def before_call(context, case, kwargs):
    """Adapts a valid case to rules that the schema cannot express.

    * Page tokens come from responses.
    * Dates are between 1900 and 2200, `from` is not after `to`, whose default is today, and no
      chart has more than 4,000 points.
    * A search contains a word.
    * An amount has the size and the decimals of its currency.
    * Integers have no decimal point.
    * An ETag has its quotes, which Schemathesis drops next to another optional header.
    """
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    collection, has_id, _rest = case.operation.path.partition("/{id}")
    if has_id and random.random() < 0.8 and (ids := resources(collection)):
        case.path_parameters["id"] = random.choice(ids)
    query = case.query or {}
    query.pop("page_token", None)
    for name in ("date", "from", "to"):
        if name in query and len(str(query[name])) == 10:
            query[name] = within_reach(query[name])
    if len(str(query.get("to", ""))) == 10 and "from" in query:
        first = max(date.fromisoformat(query["from"]), date.fromisoformat(query["to"]) - timedelta(days=3000))
        query["from"] = min(first, date.fromisoformat(query["to"])).isoformat()
    if not any(letter.isalnum() for letter in str(query.get("q", "x"))):
        query["q"] = "rent"
    for name in ("amount", "min_amount", "max_amount"):
        if name in query:
            query[name] = str(query[name]).partition(".")[0][:7]
    case.body = whole(case.body)
    tag = (case.headers or {}).get("If-Match", "")
    if tag.isdigit():
        case.headers["If-Match"] = f'"{tag}"'


def within_reach(day):
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return found.replace(year=date.today().year - 9 + found.year % 9, day=min(found.day, 28)).isoformat()


def whole(value):
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value
