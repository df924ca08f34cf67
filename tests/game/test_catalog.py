import pytest

from valo_ingest.game import catalog


@pytest.mark.parametrize(("internal", "shown"), [("Wushu", "Jett"), ("Grenadier", "KAYO"), ("Iris", "Miks")])
def test_an_agent_is_known_with_and_without_its_ending(internal: str, shown: str) -> None:
    assert catalog.agent_name(internal) == shown
    assert catalog.agent_name(internal + "_PC_C") == shown


def test_no_agent_is_selected_while_the_name_is_empty() -> None:
    assert catalog.agent_name("") == "No Agent selected"


@pytest.mark.parametrize(
    "internal", ["Newcomer", "Newcomer_PC_C", "wushu", "Jett", "TX_Killfeed_Raze", "Wushu "]
)
def test_an_unknown_agent_shows_as_it_was_sent(internal: str) -> None:
    assert catalog.agent_name(internal) == internal


def test_agents_are_compared_without_their_ending() -> None:
    assert catalog.plain_agent("Clay_PC_C") == catalog.plain_agent("Clay") == "Clay"


@pytest.mark.parametrize("icon", ["TX_Killfeed_Sova", "TX_Killfeed_Sova1", "TX_Killfeed_Sova2"])
def test_the_agent_of_an_assist_is_found_with_and_without_a_trailing_digit(icon: str) -> None:
    assert catalog.assisting_agent(icon) == "Hunter"


@pytest.mark.parametrize(
    "icon", ["", "1", "Hunter", "tx_killfeed_sova", "TX_Killfeed_Newcomer", "TX_Killfeed_1Sova"]
)
def test_an_unknown_icon_of_an_assist_is_nobody(icon: str) -> None:
    assert catalog.assisting_agent(icon) is None


def test_every_agent_has_an_icon_in_the_kill_feed() -> None:
    assert set(catalog.KILLFEED_AGENTS.values()) == set(catalog.AGENTS) - {""}


@pytest.mark.parametrize(
    ("internal", "shown"),
    [
        ("TX_Hud_Volcano", "Vandal"),
        ("knife", "Knife"),
        ("unknown", "Unknown"),
        ("", "Unknown"),
        ("TX_Hud_Raygun", "TX_Hud_Raygun"),
        ("tx_hud_volcano", "tx_hud_volcano"),
    ],
)
def test_a_weapon_shows_its_name_and_an_unknown_one_what_was_sent(internal: str, shown: str) -> None:
    assert catalog.weapon_name(internal) == shown


@pytest.mark.parametrize(
    ("internal", "shown"), [("Triad", "Haven"), ("", ""), ("Atlantis", "Atlantis"), ("triad", "triad")]
)
def test_a_map_shows_its_name_and_an_unknown_one_what_was_sent(internal: str, shown: str) -> None:
    assert catalog.map_name(internal) == shown


@pytest.mark.parametrize(
    ("index", "shown"),
    [(0, "None"), (1, "Light"), (2, "Heavy"), (3, "None"), (4, "Regen"), (2.0, "Heavy")],
)
def test_armour_is_named_by_its_index(index: float, shown: str) -> None:
    assert catalog.armor_name(index) == shown


@pytest.mark.parametrize("index", [-1, 5, 1.5, 2**31])
def test_unknown_armour_is_none(index: float) -> None:
    assert catalog.armor_name(index) == "None"


@pytest.mark.parametrize(
    "table", [catalog.AGENTS, catalog.KILLFEED_AGENTS, catalog.WEAPONS_AND_ABILITIES, catalog.MAPS]
)
def test_no_name_has_blanks_at_its_ends(table: dict[str, str]) -> None:
    assert [name for name in table.values() if name != name.strip() or not name] == []
