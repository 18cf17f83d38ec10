"""Where forwarders hand notices in. Nothing is asked of Amazon here: a notice is stored, and the answer goes out."""

from typing import Final

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from amazon import envelopes, notice_endpoints, notice_secrets, notices
from kit.clock import now

BODY_BYTES: Final = 1 << 20  # the most a message of SQS can have
MOST_A_MINUTE: Final = 1200  # notices of one company; EventBridge comes again with what is answered 429, for a day
WINDOW_S: Final = 60


@csrf_exempt
def receive(request: HttpRequest, address: str) -> HttpResponse:
    """Store what a forwarder brings, each notice once, and answer at once.

    401 makes EventBridge come again, so that nothing is lost while a secret is changed; 400 and 413 do not.
    """
    if request.method != "POST":
        return _answer(405, "Notifications are posted here.", Allow="POST")
    endpoint = notice_endpoints.find(address)
    if endpoint is None:
        return _answer(404, "There is no such address. Compare it with the one on the connection's page in Tieout.")
    try:
        body = _body(request)
    except UnreadablePostError:
        return _answer(400, "The body ended before it was whole.")
    if body is None:
        return _answer(413, f"The body is larger than {BODY_BYTES} bytes. Send fewer notifications at a time.")
    if why := notice_endpoints.why_not(endpoint, request.headers, body):
        notice_endpoints.note_refusal(endpoint, why)
        return _answer(401, why)
    try:
        found, refused = envelopes.read(body)
    except envelopes.BadEnvelope as error:
        return _answer(400, str(error))
    if not _room(endpoint.tenant_id, len(found)):
        wait_s = WINDOW_S - int(now().timestamp()) % WINDOW_S
        text = f"At most {MOST_A_MINUTE} notifications a minute are taken; come again in {wait_s} s."
        return _answer(429, text, **{"Retry-After": str(wait_s)})
    for envelope in found:
        notice_secrets.arrived(envelope, endpoint.tenant_id)
    notices.keep(endpoint.tenant_id, found)
    return JsonResponse({"taken": len(found), "refused": refused}, status=202)


def _body(request: HttpRequest) -> bytes | None:
    """Return the raw body, None where it is too large to be read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= BODY_BYTES else None


def _room(tenant_id: int, count: int) -> bool:
    """Count notices of a company; False where there were too many within the minute."""
    key = f"notices-of-{tenant_id}-{int(now().timestamp()) // WINDOW_S}"
    cache.add(key, 0, 2 * WINDOW_S)
    try:
        return cache.incr(key, count) <= MOST_A_MINUTE
    except ValueError:  # the count has just gone
        return True


def _answer(status: int, text: str, **headers: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)
