"""The presentation rules of the original service, for crews that have to follow its licence."""

from typing import Any

from msgspec.structs import replace

from valo_ingest.game.state import Presentation


def under_service_rules(presentation: Presentation, sponsor_url: str) -> Presentation:
    """Return `presentation` as the original service shows it for those who are no supporters of it.

    Its image is appended to an enabled list of sponsors, its watermark is on, a text of one's own is off, and of
    several sponsors in the round-win box the first stays, for all ceremonies of both teams.
    """
    settings: dict[str, Any] = dict(presentation.settings)
    sponsors = settings["sponsorInfo"]
    if sponsors.get("enabled") is True:
        settings["sponsorInfo"] = {**sponsors, "sponsors": [*_entries(sponsors), sponsor_url]}
    settings["watermarkInfo"] = {
        **settings["watermarkInfo"],
        "spectraWatermark": True,
        "customTextEnabled": False,
    }
    box = settings["roundWinBox"]
    shown = _entries(box)
    if box.get("type") == "sponsors" and len(shown) > 1:
        first = shown[0] if isinstance(shown[0], dict) else {}
        settings["roundWinBox"] = {
            **box,
            "sponsors": [{**first, "wonTeam": "all", "roundCeremony": ["all"]}],
        }
    return replace(presentation, settings=settings)


def _entries(section: dict[str, Any]) -> list[Any]:
    entries = section.get("sponsors")
    return entries if isinstance(entries, list) else []
