"""What one would write instead of ispsync: reads the same YAML, lists the panels
with aiohttp, ten at once, compares the declared fields and prints counts.
It knows nothing of paging, filters, forms, expressions or canonical values."""

import asyncio
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import aiohttp
import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NOT_LISTED = {"name", "panels", "passwd"}


def secret(text):
    """The variable that "${secret.env('X')}" names."""
    found = re.fullmatch(r"\$\{secret\.env\('(\w+)'\)\}", text)
    return os.environ[found.group(1)]


def load(directory):
    """The panels, and per panel and kind the declared entries by name."""
    panels, declared = [], {}
    for path in sorted(pathlib.Path(directory).glob("*.yaml")):
        with path.open("rb") as file:
            spec = yaml.load(file, Loader)
        panels += spec.get("panels", [])
        for kind, entries in spec.get("resources", {}).items():
            for entry in entries:
                for panel in entry["panels"]:
                    declared.setdefault((panel, kind), {})[entry["name"]] = entry
    return panels, declared


async def call(session, panel, **params):
    async with session.post(panel["url"], data={"out": "xml", **params}) as answer:
        document = ElementTree.fromstring(await answer.read())
    error = document.find("error")
    if error is not None:
        raise RuntimeError(f"{panel['name']}: {params['func']}: {error.get('type')}")
    return document


def told(value):
    """A value of the YAML as the panel's list tells it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def compare(entries, document):
    live = {}
    for row in document.iter("elem"):
        cells = {cell.tag: cell.text or "" for cell in row}
        live[cells["name"]] = cells
    missing = different = 0
    for name, entry in entries.items():
        row = live.get(name)
        if row is None:
            missing += 1
        elif any(row.get(k) != told(v) for k, v in entry.items() if k not in NOT_LISTED):
            different += 1
    return missing, different


async def read(session, gate, panel, declared):
    async with gate:
        account = panel["auth"]
        login = await call(session, panel, func="auth", username=account["username"], password=secret(account["password"]))
        auth = login.find("auth").get("id")
        kinds = [kind for name, kind in declared if name == panel["name"]]
        lists = await asyncio.gather(*(call(session, panel, func=kind, auth=auth, filter="off") for kind in kinds))
        return [compare(declared[panel["name"], kind], document) for kind, document in zip(kinds, lists)]


async def main(directory):
    panels, declared = load(directory)
    gate = asyncio.Semaphore(10)
    async with aiohttp.ClientSession() as session:
        found = await asyncio.gather(*(read(session, gate, panel, declared) for panel in panels))
    missing = sum(m for panel in found for m, _ in panel)
    different = sum(d for panel in found for _, d in panel)
    print(f"{sum(map(len, declared.values()))} declared, {missing} missing, {different} different")


asyncio.run(main(sys.argv[1]))
