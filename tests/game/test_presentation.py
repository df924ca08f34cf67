from typing import Any

import pytest

from tests.game.builders import make_settings
from valo_ingest.game.presentation import under_service_rules
from valo_ingest.game.state import Presentation

SERVICE = "https://example.org/service.png"


def ruled(**sections: Any) -> Any:
    """Return the settings under the rules of the original service."""
    return under_service_rules(Presentation(settings=make_settings(**sections)), SERVICE).settings


def test_an_image_of_the_service_is_appended_to_enabled_sponsors() -> None:
    assert ruled(sponsorInfo={"enabled": True, "sponsors": ["a", "b"]})["sponsorInfo"] == {
        "enabled": True,
        "sponsors": ["a", "b", SERVICE],
    }


@pytest.mark.parametrize("sponsors", [{"enabled": True}, {"enabled": True, "sponsors": "a"}])
def test_enabled_sponsors_without_a_list_become_a_list_of_one(sponsors: dict[str, Any]) -> None:
    assert ruled(sponsorInfo=sponsors)["sponsorInfo"]["sponsors"] == [SERVICE]


@pytest.mark.parametrize("enabled", [False, None, "yes", 1])
def test_sponsors_that_are_not_enabled_stay_as_they_are(enabled: object) -> None:
    sponsors = {"enabled": enabled, "sponsors": ["a"]}

    assert ruled(sponsorInfo=sponsors)["sponsorInfo"] == sponsors


def test_the_watermark_is_on_and_a_text_of_ones_own_off() -> None:
    info = {"spectraWatermark": False, "customTextEnabled": True, "customText": "Hello"}

    assert ruled(watermarkInfo=info)["watermarkInfo"] == {
        "spectraWatermark": True,
        "customTextEnabled": False,
        "customText": "Hello",
    }


def test_of_several_sponsors_in_the_box_the_first_stays_for_everything() -> None:
    first = {"wonTeam": "left", "roundCeremony": ["ace"], "iconUrl": "i"}

    assert ruled(roundWinBox={"type": "sponsors", "sponsors": [first, {"iconUrl": "j"}]})["roundWinBox"] == {
        "type": "sponsors",
        "sponsors": [{"wonTeam": "all", "roundCeremony": ["all"], "iconUrl": "i"}],
    }


def test_a_first_sponsor_that_is_no_object_still_stands_for_everything() -> None:
    box = ruled(roundWinBox={"type": "sponsors", "sponsors": ["a", "b"]})["roundWinBox"]

    assert box["sponsors"] == [{"wonTeam": "all", "roundCeremony": ["all"]}]


@pytest.mark.parametrize(
    "box",
    [
        {"type": "sponsors", "sponsors": [{"wonTeam": "left"}]},
        {"type": "tournamentInfo", "sponsors": [{"wonTeam": "left"}, {"wonTeam": "right"}]},
        {"type": "sponsors"},
    ],
)
def test_any_other_box_stays_as_it_is(box: dict[str, Any]) -> None:
    assert ruled(roundWinBox=box)["roundWinBox"] == box


def test_settings_that_were_sent_are_not_touched() -> None:
    presentation = Presentation(settings=make_settings(sponsorInfo={"enabled": True, "sponsors": ["a"]}))

    under_service_rules(presentation, SERVICE)

    assert presentation.settings == make_settings(sponsorInfo={"enabled": True, "sponsors": ["a"]})
