#!/usr/bin/env python3
"""Speaks to a running Muster as Slack does, signed by Slack's own library, and proves what it refuses.

    pip install slack_sdk
    export MUSTER_SLACK__SIGNING_SECRET=...
    tests/outside/drive.py http://127.0.0.1:8080 --user U0ANA --channel C0HOME --text list --text "declare orders are late"

First each --text is sent as `/incident TEXT`, and its answer printed. Then come the checks. They declare one incident of
their own and resolve it at the end; where a pager is configured it is paged, so do not point this at production.
Exit 0: every check holds. 1: one does not. 2: misused. Nothing but slack_sdk is needed; HTTP is the standard library's.
"""

import argparse
import http.client
import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

try:
    from slack_sdk.signature import SignatureVerifier
except ImportError:
    sys.exit("slack_sdk is not installed: pip install slack_sdk")

# Slack shows people an error when an answer takes longer.
SLACK_WAITS = 3.0
# Slack's own limit for the age of a request is 300 seconds, to either side.
TOO_OLD = 301
# The receiver's clock may be a few seconds ahead of ours by the time it looks; further ahead is still the future.
TOO_NEW = 310


class Answer:
    """What came back; status 0 if nothing did."""

    def __init__(self, status, body, took):
        self.status, self.body, self.took = status, body, took
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    def words(self):
        """What the person reads: the text, else the words of the blocks, else the body."""
        if not isinstance(self.json, dict):
            return self.body.strip()
        text = self.json.get("text")
        return text if isinstance(text, str) and text else "\n".join(strings(self.json.get("blocks")))

    def mentions(self, word):
        """How often a word is read, but for a channel's name that was made of it (`inc-7-word`)."""

        def count(text):
            return len(re.findall(rf"(?<![\w-]){re.escape(word)}", text))

        if not isinstance(self.json, dict):
            return count(self.body)
        # Text and blocks say the same, so the one that says it more often counts.
        text = self.json.get("text")
        return max(count(text) if isinstance(text, str) else 0, count("\n".join(strings(self.json.get("blocks")))))


def strings(value):
    """Every text in a tree of blocks."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that redirects is a webhook that fails: Slack follows none."""

    def redirect_request(self, *_):
        return None


class Slack:
    """Signs and sends slash commands of one person in one channel."""

    def __init__(self, base_url, secret, user, channel):
        self.url = base_url.rstrip("/") + "/slack/commands"
        self.verifier = SignatureVerifier(secret)
        self.user, self.channel = user, channel
        # No proxy of the environment: the bot is what is to be reached.
        self.opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))

    def body(self, text):
        """A form body with all of Slack's fields; its trigger is new each time, as Slack's is."""
        trigger = f"{time.time_ns()}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        return urllib.parse.urlencode({
            "token": "legacy-not-used",
            "team_id": "T0MUSTER00",
            "team_domain": "muster",
            "channel_id": self.channel,
            "channel_name": "data-incidents",
            "user_id": self.user,
            "user_name": self.user.lower(),
            "command": "/incident",
            "text": text,
            "api_app_id": "A0MUSTER00",
            "is_enterprise_install": "false",
            # Port 9 of this machine: nobody listens, so an answer sent there late is lost and harms no one.
            "response_url": f"http://127.0.0.1:9/commands/T0MUSTER00/{secrets.token_hex(12)}",
            "trigger_id": trigger,
        })

    def signed(self, body, age=0, verifier=None):
        """The two headers for a body that was sent `age` seconds ago."""
        sent = str(int(time.time()) - age)
        signature = (verifier or self.verifier).generate_signature(timestamp=sent, body=body)
        return {"X-Slack-Request-Timestamp": sent, "X-Slack-Signature": signature}

    def post(self, body, headers):
        """Sends exactly these bytes; never raises for what the network or the bot does."""
        everything = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        request = urllib.request.Request(self.url, body.encode(), {**everything, **headers}, method="POST")
        started = time.monotonic()
        try:
            with self.opener.open(request, timeout=10) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read()
        except (OSError, http.client.HTTPException) as error:
            status, text = 0, f"no answer from {self.url}: {error}".encode()
        return Answer(status, text.decode(errors="replace"), time.monotonic() - started)

    def command(self, text):
        """`/incident text`, as it should be."""
        body = self.body(text)
        return self.post(body, self.signed(body))


class Checks:
    """Prints each check as it is made, and counts."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, holds, told=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"{'ok  ' if holds else 'FAIL'} {what}" + (f": {told}" if told and not holds else ""))
        return holds


def show(text, answer):
    print(f"> /incident {text}\n< {answer.status} in {answer.took * 1000:.0f} ms")
    print("".join(f"  {line}\n" for line in answer.words().splitlines()))


def summary(answer):
    return f"{answer.status} {answer.words()[:200]!r}"


def title():
    """A word that occurs nowhere else, of letters only, so that no rendering changes it."""
    return "outsidecheck" + "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz") for _ in range(16))


def send_texts(slack, texts, checks):
    for text in texts:
        answer = slack.command(text)
        show(text, answer)
        checks.that(f"`/incident {text}` is answered 200 within 3 s", answer.status == 200 and answer.took < SLACK_WAITS, summary(answer))


def declare(slack, checks):
    """An incident of our own and the request that made it: (title, number, body, headers), or None."""
    # Somebody whom the bot has not met may be told to ask again in a moment, while it asks Slack who that is.
    for _ in range(6):
        name = title()
        body = slack.body(f"declare {name}")
        headers = slack.signed(body)
        answer = slack.post(body, headers)
        number = re.search(r"\bINC-\d+\b", answer.words())
        if answer.status != 200 or number:
            break
        time.sleep(1)
    show(f"declare {name}", answer)
    if checks.that("a signed command is answered 200 and opens an incident", answer.status == 200 and number, summary(answer)):
        return name, number[0], body, headers
    return None


def forgeries(slack):
    """(what, title that must never show, body, headers) of every request that must be refused with 401."""

    def about(what):
        name = title()
        return what, name, slack.body(f"declare {name}")

    what, name, honest = about("a tampered body")
    tampered = honest.replace(name, name[::-1])
    yield what, name[::-1], tampered, slack.signed(honest)

    what, name, body = about(f"a timestamp {TOO_OLD} seconds old")
    yield what, name, body, slack.signed(body, age=TOO_OLD)

    what, name, body = about(f"a timestamp {TOO_NEW} seconds in the future")
    yield what, name, body, slack.signed(body, age=-TOO_NEW)

    what, name, body = about("an unsigned request")
    yield what, name, body, {}

    what, name, body = about("a request without a timestamp")
    yield what, name, body, {"X-Slack-Signature": slack.signed(body)["X-Slack-Signature"]}

    what, name, body = about("an old signature under a new timestamp")
    old, new = slack.signed(body, age=TOO_OLD), slack.signed(body)
    yield what, name, body, {**old, "X-Slack-Request-Timestamp": new["X-Slack-Request-Timestamp"]}

    what, name, body = about("a signature made with another secret")
    yield what, name, body, slack.signed(body, verifier=SignatureVerifier(secrets.token_hex(16)))


def prove(slack, checks):
    first = declare(slack, checks)

    refused = []
    for what, name, body, headers in forgeries(slack):
        answer = slack.post(body, headers)
        checks.that(f"{what} is refused with 401", answer.status == 401, summary(answer))
        refused.append((what, name))

    if first is None:
        checks.that("effects can be checked", False, "nothing could be declared, so neither the replay nor the refused requests can be proven harmless")
        return
    name, number, body, headers = first

    again = slack.post(body, headers)
    checks.that("an exact replay inside the window is answered 200", again.status == 200, summary(again))

    latest = slack.command("list all")
    seen = latest.mentions(name)
    checks.that("the replay opened no second incident", latest.status == 200 and seen == 1, f"{seen} incidents have its title; {summary(latest)}")
    for what, forged in refused:
        checks.that(f"{what} opened nothing", latest.status == 200 and forged not in latest.body, "its title is in the list")

    # The same for a command that adds to an incident, where a second effect would be harder to see.
    word = title()
    note = slack.body(f"{number} note {word}")
    note_headers = slack.signed(note)
    answers = [slack.post(note, note_headers) for _ in range(2)]
    checks.that("a note and its replay are answered 200", all(answer.status == 200 for answer in answers), "; ".join(map(summary, answers)))
    shown = slack.command(f"{number} show")
    seen = shown.mentions(word)
    checks.that("the replayed note is there once", shown.status == 200 and seen == 1, f"it is there {seen} times; {summary(shown)}")

    text = f"{number} resolve the outside check is over"
    over = slack.command(text)
    show(text, over)
    checks.that("a true command still works after all that", over.status == 200 and number in over.words(), summary(over))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base_url", metavar="BASE_URL", help="where Muster listens, for example http://127.0.0.1:8080")
    parser.add_argument("--user", default="U0ANA", help="id of a full member whom the bot's Slack knows (default: %(default)s)")
    parser.add_argument("--channel", default="C0HOME", help="id of the channel the commands come from (default: %(default)s)")
    parser.add_argument("--text", action="append", default=[], metavar="TEXT", help="send `/incident TEXT` before the checks; repeatable")
    args = parser.parse_args()
    if urllib.parse.urlsplit(args.base_url).scheme not in ("http", "https"):
        parser.error("BASE_URL begins with http:// or https://")
    secret = os.environ.get("MUSTER_SLACK__SIGNING_SECRET", "").strip()
    if not secret:
        parser.error("MUSTER_SLACK__SIGNING_SECRET is not set")

    slack, checks = Slack(args.base_url, secret, args.user, args.channel), Checks()
    send_texts(slack, args.text, checks)
    prove(slack, checks)
    print(f"\n{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
