"""What API Gateway says for itself, in the shape and words of our own problems."""

import json

from infra.shapes import Resource

_ANSWERS = {
    # its name for it: (status, code, title, detail)
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "Not found", "There is nothing at this address."),  # so it calls an unknown path
    "RESOURCE_NOT_FOUND": (404, "not_found", "Not found", "There is nothing at this address."),
    "REQUEST_TOO_LARGE": (413, "too_large", "Too large", "The body is over 10 MB."),
    "THROTTLED": (429, "try_later", "Busy", "Too many requests at once. Send the same request again in a few seconds."),
    "INTEGRATION_TIMEOUT": (504, "too_slow", "Our mistake", "This took too long. It may still have been done: ask before trying again."),
    "DEFAULT_4XX": (None, "refused", "The request could not be read", "The request was refused before it reached us."),
    "DEFAULT_5XX": (None, "internal", "Our mistake", "Something went wrong on our side. Try again, and tell us the request id if it stays."),
}


def responses() -> Resource:
    """Gateway responses as problem+json."""
    return {name: _response(*answer) for name, answer in _ANSWERS.items()}


def _response(status: int | None, code: str, title: str, detail: str) -> Resource:
    problem = {"type": f"/problems/{code}", "title": title, "detail": detail, "code": code, "errors": [], "request_id": "$context.requestId"}
    made: Resource = {
        # Whatever the caller accepts, it gets the one template there is.
        "ResponseTemplates": {"application/json": json.dumps({**problem, **({"status": status} if status else {})})},
        "ResponseParameters": {"Headers": {"Content-Type": "'application/problem+json'", "Cache-Control": "'no-store'", "X-Content-Type-Options": "'nosniff'"}},
    }
    return made | ({"StatusCode": status} if status else {})
