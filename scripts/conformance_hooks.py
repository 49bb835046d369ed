"""What Schemathesis does around each generated request, for scripts/conformance."""

import atexit
import os
import uuid

import schemathesis
from schemathesis.core.parameters import ParameterLocation

# Those of the key that the requests carry. A request that ends it would leave the others without one.
OWN_IDS = set(os.environ["CONFORMANCE_KEY_IDS"].split())
NO_ID = 2**53 - 1

METHODS = {"get", "head", "post", "put", "patch", "delete"}

BOOLEANS = {"true", "false", "1", "0"}

keys_sent = set()
boolean_parameters = set()
operations, let_in = set(), set()


@schemathesis.hook
def after_load_schema(context, schema):
    for path, of_path in schema.raw_schema["paths"].items():
        operations.update(f"{method.upper()} {path}" for method in of_path if method in METHODS)
        for operation in (of_path[method] for method in of_path if method in METHODS):
            boolean_parameters.update(
                parameter["name"]
                for parameter in operation.get("parameters", [])
                if parameter.get("in") == "query" and "boolean" in parameter["schema"].get("type", [])
            )


@schemathesis.hook
def filter_query(context, query):
    # An empty parameter counts as left out, and a boolean may be written in many ways: a schema cannot say so.
    return not any(
        str(value) == "" or (name in boolean_parameters and str(value).lower() in BOOLEANS)
        for name, value in (query or {}).items()
    )


def has_wrong_headers(case):
    headers = case.meta and case.meta.components.get(ParameterLocation.HEADER)
    return headers is not None and headers.mode.is_negative


@schemathesis.hook
def before_call(context, case, kwargs):
    # A key that comes a second time asks for the first answer again, and that may name what was deleted since. The tests
    # of this repository ask for replays; here each request is to be carried out. Headers that are to be refused stay as
    # they are, and are, so that nothing is kept.
    key = case.headers.get("Idempotency-Key")
    if key is not None and not has_wrong_headers(case):
        if key in keys_sent:
            case.headers["Idempotency-Key"] = key = str(uuid.uuid4())
        keys_sent.add(key)
    if case.path.startswith("/api-keys/{id}") and str(case.path_parameters.get("id")) in OWN_IDS:
        case.path_parameters["id"] = NO_ID


@schemathesis.hook
def after_call(context, case, response):
    # The method may be another, to see that it is refused. The header is there once the credential was accepted.
    is_its_own = case.method.upper() == case.operation.method.upper()
    accepted = "ratelimit-tenant-limit" in response.headers and response.status_code not in (401, 403, 429)
    if is_its_own and accepted:
        let_in.add(case.operation.label)


@atexit.register
def report():
    with open(os.environ["CONFORMANCE_NEVER_LET_IN"], "w") as file:
        file.writelines(f"{label}\n" for label in sorted(operations - let_in))
